#pragma once

#include "base/result.h"
#include "crypto/random.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, RFC 5802 and RFC 7677, as a server sees them.  The client's
// side is in scram_client.h.  Messages are as they are before base64.
namespace todoke::crypto {

// What a server keeps instead of a password.  Whoever steals it can try passwords offline, and far
// faster than against argon2id; but cannot log in with it.
struct ScramKeys {
  std::string salt;
  std::uint32_t iterations = 0;
  std::string stored_key;  // 32 bytes
  std::string server_key;  // 32 bytes
  bool operator==(const ScramKeys&) const = default;
};

// RFC 7677 §4 asks for at least 4096 and would like a tenth of a second.  The client pays at each
// login, so this is what an old telephone does in that time; a server pays once.
inline constexpr std::uint32_t scram_iterations = 50'000;
inline constexpr std::uint32_t min_scram_iterations = 4096;
inline constexpr std::uint32_t max_scram_iterations = 1'000'000;

// RFC 5802 §3.  Slow.  Errc::invalid when SASLprep refuses the password (then the account can have
// no SCRAM keys) or when salt or iterations are out of bounds.
Result<ScramKeys> derive_scram(std::string_view password, std::string_view salt,
                               std::uint32_t iterations = scram_iterations);

// Keys for a name that has none, so that the answer does not tell: the salt is always the same for
// the name, and no password fits.  `server_secret` is kept with the installation and never
// changes; `iterations` must be those of real accounts.
ScramKeys fake_scram_keys(std::string_view server_secret, std::string_view user_name,
                          std::uint32_t iterations = scram_iterations);

// `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`, the latter three in base64.
std::string encode_scram(const ScramKeys& keys);
// Errc::invalid when it is not that, Errc::over_limit when iterations are out of bounds.
Result<ScramKeys> decode_scram(std::string_view text);

// What ties an exchange to its TLS connection: "tls-exporter" (RFC 9266) or "tls-server-end-point"
// (RFC 5929) and the bytes that TLS gives for it.
struct ChannelBinding {
  std::string type;
  std::string data;
};

enum class ScramMechanism { scram_sha_256, scram_sha_256_plus };

// The exchange has failed.  `reply` is for the client (`e=invalid-proof`, RFC 5802 §7), `text` for
// the log.
struct ScramRefusal {
  std::string reply;
  std::string text;
};
template <class T>
using ScramResult = std::expected<T, ScramRefusal>;

// One exchange.  Pure: the caller moves the messages and looks up the keys.
//   ScramServer server(mechanism, bindings);
//   auto claim = server.client_first(message);
//   send(server.server_first(keys of claim->user_name, or fake_scram_keys(…)));
//   auto last = server.client_final(message);   // has a value: the client knows the password
//   send(*last);
// A refusal ends the exchange.  Whether the user may act as `authorization_identity` is for the
// caller to decide, after success.  Calls out of this order are bugs.
class ScramServer {
 public:
  struct Claim {
    std::string user_name;               // SASLprepped
    std::string authorization_identity;  // SASLprepped; empty: as oneself
  };

  // `offered` is what this connection can be bound to.  -PLUS must be advertised exactly if it is
  // not empty: clients are refused that were made to believe otherwise.
  ScramServer(ScramMechanism mechanism, std::vector<ChannelBinding> offered,
              std::string nonce = random_token(18))
      : mechanism_(mechanism), offered_(std::move(offered)), nonce_(std::move(nonce)) {}

  ScramResult<Claim> client_first(std::string_view message);
  std::string server_first(ScramKeys keys);
  ScramResult<std::string> client_final(std::string_view message);

 private:
  enum class Step { client_first, server_first, client_final, over };

  ScramMechanism mechanism_;
  std::vector<ChannelBinding> offered_;
  std::string nonce_;  // ours; from client_first on, the client's and ours
  Step step_ = Step::client_first;
  std::string client_first_bare_;
  std::string server_first_;
  std::string expected_binding_;  // the bytes that `c=` must hold
  ScramKeys keys_;
};

}  // namespace todoke::crypto
