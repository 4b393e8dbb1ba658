#include "crypto/scram.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/saslprep.h"
#include "crypto/scram_message.h"

#include <algorithm>
#include <utility>

namespace todoke::crypto {
namespace {

auto refuse(std::string_view error, std::string text) {
  return std::unexpected(ScramRefusal{"e=" + std::string(error), std::move(text)});
}

// RFC 5802 §6: which bytes the client must send back as `c=`, beyond the GS2 header.  The flag has
// to agree with the mechanism, and with what we offered: somebody in the middle may have removed
// -PLUS from our list to get a client to log in unbound.
ScramResult<std::string> negotiate(const ScramClientFirst& first, ScramMechanism mechanism,
                                   const std::vector<ChannelBinding>& offered) {
  using Flag = ScramClientFirst::Flag;
  bool plus = mechanism == ScramMechanism::scram_sha_256_plus;
  if (plus && first.flag != Flag::bound)
    return refuse("other-error", "-PLUS without channel binding");
  if (!plus && first.flag == Flag::bound)
    return refuse("channel-binding-not-supported", "channel binding without -PLUS");
  if (first.flag == Flag::not_offered && !offered.empty())
    return refuse("server-does-support-channel-binding",
                  "the client did not see our offer of channel binding: a downgrade");
  if (first.flag != Flag::bound) return std::string();
  if (offered.empty())
    return refuse("channel-binding-not-supported", "this connection cannot be bound");
  auto binding = std::ranges::find(offered, first.binding_type, &ChannelBinding::type);
  if (binding == offered.end())
    return refuse("unsupported-channel-binding-type", "an unknown channel binding type");
  return binding->data;
}

ScramResult<std::string> prepare(std::string_view name) {
  auto prepared = saslprep(name);
  if (!prepared) return refuse("invalid-username-encoding", "a name: " + prepared.error().text);
  return *std::move(prepared);
}

}  // namespace

ScramResult<ScramServer::Claim> ScramServer::client_first(std::string_view message) {
  TODOKE_ASSERT(step_ == Step::client_first);
  step_ = Step::over;  // unless all of this succeeds
  TRY(auto first, parse_client_first(message));
  TRY(auto channel, negotiate(first, mechanism_, offered_));
  Claim claim;
  TRY(claim.user_name, prepare(first.user_name));
  if (!first.authorization_identity.empty()) {
    TRY(claim.authorization_identity, prepare(first.authorization_identity));
  }
  expected_binding_ = first.gs2_header + channel;
  client_first_bare_ = std::move(first.bare);
  nonce_ = first.nonce + nonce_;
  step_ = Step::server_first;
  return claim;
}

std::string ScramServer::server_first(ScramKeys keys) {
  TODOKE_ASSERT(step_ == Step::server_first);
  keys_ = std::move(keys);
  server_first_ =
      "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
  step_ = Step::client_final;
  return server_first_;
}

// RFC 5802 §3: the proof is ClientKey XOR HMAC(StoredKey, AuthMessage), and StoredKey the digest
// of ClientKey.
ScramResult<std::string> ScramServer::client_final(std::string_view message) {
  TODOKE_ASSERT(step_ == Step::client_final);
  step_ = Step::over;
  TRY(auto last, parse_client_final(message));
  if (!equal(last.nonce, nonce_)) return refuse("other-error", "the nonce is not ours");
  if (!equal(last.binding, expected_binding_))
    return refuse("channel-bindings-dont-match", "bound to another connection");
  auto auth_message = client_first_bare_ + "," + server_first_ + "," + last.without_proof;
  auto client_signature = hmac_sha256(keys_.stored_key, auth_message);
  if (last.proof.size() != client_signature.size())
    return refuse("invalid-proof", "a proof of another length");
  auto client_key = exclusive_or(last.proof, client_signature);
  if (!equal(sha256(client_key), keys_.stored_key))
    return refuse("invalid-proof", "wrong password or unknown user");
  return "v=" + base64_encode(hmac_sha256(keys_.server_key, auth_message));
}

}  // namespace todoke::crypto
