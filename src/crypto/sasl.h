#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

// The SASL mechanisms that carry a password as it is.  The protocol layer offers them under TLS
// only, takes the base64 off and answers the transport's own cancel (`*`).
namespace todoke::crypto {

// What a client claims.  Names are SASLprepped; the password is as it came, for the hashes it is
// checked against were made from such bytes.
struct SaslCredentials {
  std::string authorization_identity;  // whom to act as; empty: as oneself
  std::string user_name;
  std::string password;
};

// RFC 4616: `[authzid] NUL authcid NUL passwd`.  Errc::invalid when it is anything else.
Result<SaslCredentials> parse_sasl_plain(std::string_view message);

// The LOGIN mechanism, which no RFC defines and every old client speaks: the server asks for a
// name, then for a password.  An initial response counts as the answer to the first question.
//   SaslLogin login;
//   while (!login.complete()) { ask login.challenge(); TRY_OK(login.take(answer)); }
class SaslLogin {
 public:
  bool complete() const { return step_ == Step::complete; }
  // What to ask now, before base64.
  std::string_view challenge() const;
  // The client's answer, after base64.  Errc::invalid ends the exchange.
  Result<> take(std::string_view answer);
  const SaslCredentials& credentials() const { return credentials_; }

 private:
  enum class Step { user_name, password, complete };
  Step step_ = Step::user_name;
  SaslCredentials credentials_;
};

}  // namespace todoke::crypto
