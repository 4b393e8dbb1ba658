#pragma once

#include "base/result.h"
#include "crypto/scram.h"

#include <cstdint>
#include <string>
#include <string_view>

// The grammar of RFC 5802 §7 and the arithmetic of §3, shared by both sides; others use scram.h.
namespace todoke::crypto {

// Longer messages are refused unread.
inline constexpr std::size_t max_scram_message = 4096;

struct ScramClientFirst {
  enum class Flag { unsupported, not_offered, bound };  // n, y, p
  Flag flag = Flag::unsupported;
  std::string binding_type;            // with Flag::bound
  std::string authorization_identity;  // unescaped, or empty
  std::string user_name;               // unescaped
  std::string nonce;
  std::string gs2_header;  // as sent, with its last comma
  std::string bare;        // as sent, what follows
};
ScramResult<ScramClientFirst> parse_client_first(std::string_view message);

struct ScramClientFinal {
  std::string binding;  // decoded
  std::string nonce;
  std::string proof;  // decoded
  std::string without_proof;
};
ScramResult<ScramClientFinal> parse_client_final(std::string_view message);

struct ScramServerFirst {
  std::string nonce;
  std::string salt;
  std::uint64_t iterations = 0;
};
Result<ScramServerFirst> parse_server_first(std::string_view message);

// The server's signature.  Errc::denied with the server's reason when it sent `e=`.
Result<std::string> parse_server_final(std::string_view message);

// A name with ',' and '=' written as =2C and =3D.
std::string escape_saslname(std::string_view name);

struct ScramSecrets {
  std::string client_key;
  std::string stored_key;
  std::string server_key;
};
// `password` is SASLprepped already.
ScramSecrets derive_secrets(std::string_view password, std::string_view salt,
                            std::uint32_t iterations);

// Byte by byte; both of one length.
std::string exclusive_or(std::string_view a, std::string_view b);

}  // namespace todoke::crypto
