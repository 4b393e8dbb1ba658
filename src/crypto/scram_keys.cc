#include "base/ascii.h"
#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/saslprep.h"
#include "crypto/scram.h"
#include "crypto/scram_message.h"

#include <fmt/format.h>

#include <utility>

namespace todoke::crypto {
namespace {

constexpr std::size_t key_length = 32;
constexpr std::size_t max_salt = 64;
constexpr std::size_t our_salt = 16;

// Takes the text before `separator`, and the separator, off `rest`.
Result<std::string> take_base64(std::string_view& rest, char separator) {
  auto end = rest.find(separator);
  auto bytes = base64_decode(rest.substr(0, end));
  if (!bytes) return fail(Errc::invalid, "SCRAM keys: a part is not base64");
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return *std::move(bytes);
}

Result<> check_terms(std::string_view salt, std::uint64_t iterations) {
  if (salt.empty() || salt.size() > max_salt)
    return fail(Errc::invalid, "SCRAM salts have 1 to 64 bytes");
  if (iterations < min_scram_iterations || iterations > max_scram_iterations)
    return fail(Errc::over_limit, "SCRAM iterations must be 4096 to 1000000");
  return {};
}

}  // namespace

// RFC 5802 §3: SaltedPassword is PBKDF2, each key an HMAC under it.
ScramSecrets derive_secrets(std::string_view password, std::string_view salt,
                            std::uint32_t iterations) {
  auto salted = pbkdf2_hmac_sha256(password, salt, iterations, key_length);
  auto client_key = hmac_sha256(salted, "Client Key");
  auto stored_key = sha256(client_key);
  return {std::move(client_key), std::move(stored_key), hmac_sha256(salted, "Server Key")};
}

std::string exclusive_or(std::string_view a, std::string_view b) {
  TODOKE_ASSERT(a.size() == b.size());
  std::string out(a);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>(out[i] ^ b[i]);
  return out;
}

Result<ScramKeys> derive_scram(std::string_view password, std::string_view salt,
                               std::uint32_t iterations) {
  TRY_OK(check_terms(salt, iterations));
  if (password.size() > max_password) return fail(Errc::invalid, "the password is too long");
  TRY(auto prepared, saslprep(password));
  auto secrets = derive_secrets(prepared, salt, iterations);
  return ScramKeys{std::string(salt), iterations, std::move(secrets.stored_key),
                   std::move(secrets.server_key)};
}

ScramKeys fake_scram_keys(std::string_view server_secret, std::string_view user_name,
                          std::uint32_t iterations) {
  auto made_of = [&](std::string_view purpose) {
    return hmac_sha256(server_secret, fmt::format("SCRAM {}\n{}", purpose, user_name));
  };
  return {made_of("salt").substr(0, our_salt), iterations, made_of("stored key"),
          made_of("server key")};
}

std::string encode_scram(const ScramKeys& keys) {
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", keys.iterations, base64_encode(keys.salt),
                     base64_encode(keys.stored_key), base64_encode(keys.server_key));
}

Result<ScramKeys> decode_scram(std::string_view text) {
  constexpr std::string_view prefix = "SCRAM-SHA-256$";
  if (!text.starts_with(prefix)) return fail(Errc::invalid, "not SCRAM-SHA-256 keys");
  auto rest = text.substr(prefix.size());
  auto colon = rest.find(':');
  auto iterations = ascii::to_number(rest.substr(0, colon));
  if (!iterations || colon == std::string_view::npos)
    return fail(Errc::invalid, "SCRAM keys: no iteration count");
  rest.remove_prefix(colon + 1);
  ScramKeys keys;
  TRY(keys.salt, take_base64(rest, '$'));
  TRY_OK(check_terms(keys.salt, *iterations));
  keys.iterations = static_cast<std::uint32_t>(*iterations);
  TRY(keys.stored_key, take_base64(rest, ':'));
  auto server_key = base64_decode(rest);
  if (!server_key || server_key->size() != key_length || keys.stored_key.size() != key_length)
    return fail(Errc::invalid, "SCRAM keys: a key is not of 32 bytes");
  keys.server_key = *std::move(server_key);
  return keys;
}

}  // namespace todoke::crypto
