#include "crypto/scram_client.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/saslprep.h"
#include "crypto/scram_message.h"

#include <utility>

namespace todoke::crypto {

Result<ScramClient> ScramClient::start(const SaslCredentials& credentials, Binding binding,
                                       std::optional<ChannelBinding> channel, std::string nonce) {
  TODOKE_ASSERT(channel.has_value() == (binding == Binding::bound));
  ScramClient out;
  TRY(auto user_name, saslprep(credentials.user_name));
  TRY(out.password_, saslprep(credentials.password));
  switch (binding) {
    case Binding::unsupported:
      out.gs2_header_ = "n,";
      break;
    case Binding::not_offered:
      out.gs2_header_ = "y,";
      break;
    case Binding::bound:
      out.gs2_header_ = "p=" + channel->type + ",";
      break;
  }
  if (!credentials.authorization_identity.empty()) {
    TRY(auto identity, saslprep(credentials.authorization_identity));
    out.gs2_header_ += "a=" + escape_saslname(identity);
  }
  out.gs2_header_ += ",";
  if (channel) out.channel_data_ = std::move(channel->data);
  out.client_first_bare_ = "n=" + escape_saslname(user_name) + ",r=" + nonce;
  out.nonce_ = std::move(nonce);
  return out;
}

std::string ScramClient::client_first() {
  TODOKE_ASSERT(step_ == Step::client_first);
  step_ = Step::client_final;
  return gs2_header_ + client_first_bare_;
}

// RFC 5802 §3.
Result<std::string> ScramClient::client_final(std::string_view server_first) {
  TODOKE_ASSERT(step_ == Step::client_final);
  step_ = Step::over;
  TRY(auto first, parse_server_first(server_first));
  if (!first.nonce.starts_with(nonce_) || first.nonce.size() == nonce_.size())
    return fail(Errc::invalid, "SCRAM: the server's nonce does not continue ours");
  // Fewer would let a false server learn what makes the password easy to guess.
  if (first.iterations < min_scram_iterations)
    return fail(Errc::denied, "SCRAM: the server asks for fewer than 4096 iterations");
  if (first.iterations > max_scram_iterations)
    return fail(Errc::denied, "SCRAM: the server asks for more than 1000000 iterations");

  auto secrets =
      derive_secrets(password_, first.salt, static_cast<std::uint32_t>(first.iterations));
  auto without_proof = "c=" + base64_encode(gs2_header_ + channel_data_) + ",r=" + first.nonce;
  auto auth_message = client_first_bare_ + "," + std::string(server_first) + "," + without_proof;
  server_signature_ = hmac_sha256(secrets.server_key, auth_message);
  auto proof = exclusive_or(secrets.client_key, hmac_sha256(secrets.stored_key, auth_message));
  step_ = Step::check;
  return without_proof + ",p=" + base64_encode(proof);
}

Result<> ScramClient::check(std::string_view server_final) {
  TODOKE_ASSERT(step_ == Step::check);
  step_ = Step::over;
  TRY(auto signature, parse_server_final(server_final));
  if (!equal(signature, server_signature_))
    return fail(Errc::denied, "SCRAM: the server does not know the password");
  return {};
}

}  // namespace todoke::crypto
