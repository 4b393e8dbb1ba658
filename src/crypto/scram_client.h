#pragma once

#include "base/result.h"
#include "crypto/random.h"
#include "crypto/sasl.h"
#include "crypto/scram.h"

#include <optional>
#include <string>
#include <string_view>

namespace todoke::crypto {

// The client's side of SCRAM-SHA-256 and -PLUS, RFC 5802: for mail we hand to a smarthost or fetch
// from an old server.  One exchange; calls out of order are bugs.
//   TRY(auto client, ScramClient::start(credentials, use));
//   send(client.client_first());
//   TRY(auto proof, client.client_final(server's message));    // slow: derives the key
//   TRY_OK(client.check(server's last message));               // now the server is genuine, too
class ScramClient {
 public:
  enum class Binding {
    unsupported,  // `n`: this client cannot bind
    not_offered,  // `y`: it could, but the server did not offer -PLUS
    bound,        // `p`: with -PLUS
  };

  // `channel` is given exactly with Binding::bound.  Errc::invalid when SASLprep refuses a name or
  // the password.
  static Result<ScramClient> start(const SaslCredentials& credentials, Binding binding,
                                   std::optional<ChannelBinding> channel = {},
                                   std::string nonce = random_token(18));

  std::string client_first();
  // Errc::invalid when the server's message is malformed or not an answer to ours; Errc::denied
  // when it asks for fewer than 4096 iterations or for so many that it is an attack.
  Result<std::string> client_final(std::string_view server_first);
  // Errc::denied when the server refused, with its own words, or does not know the password.
  Result<> check(std::string_view server_final);

 private:
  enum class Step { client_first, client_final, check, over };
  ScramClient() = default;

  Step step_ = Step::client_first;
  std::string gs2_header_;
  std::string channel_data_;
  std::string client_first_bare_;
  std::string nonce_;
  std::string password_;
  std::string server_signature_;
};

}  // namespace todoke::crypto
