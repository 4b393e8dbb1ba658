#include "crypto/sasl.h"

#include "base/assert.h"
#include "crypto/password.h"
#include "crypto/saslprep.h"

#include <utility>

namespace todoke::crypto {
namespace {

// RFC 4616 §2 allows 255 octets for each name.
constexpr std::size_t max_name = 255;

Result<std::string> read_name(std::string_view name) {
  if (name.size() > max_name) return fail(Errc::invalid, "the name is too long");
  auto prepared = saslprep(name);
  if (!prepared) return fail(Errc::invalid, "the name: " + prepared.error().text);
  return prepared;
}

// deviation: RFC 4616 §2 — the password is neither required to be UTF-8 nor SASLprepped: accounts
// moved here bring hashes of the bytes their old clients sent.
Result<std::string> read_password(std::string_view password) {
  if (password.empty()) return fail(Errc::invalid, "the password is empty");
  if (password.size() > max_password) return fail(Errc::invalid, "the password is too long");
  if (password.contains('\0')) return fail(Errc::invalid, "the password contains a NUL byte");
  return std::string(password);
}

}  // namespace

// RFC 4616 §2.
Result<SaslCredentials> parse_sasl_plain(std::string_view message) {
  auto first = message.find('\0');
  if (first == std::string_view::npos) return fail(Errc::invalid, "no NUL in a PLAIN message");
  auto second = message.find('\0', first + 1);
  if (second == std::string_view::npos)
    return fail(Errc::invalid, "only one NUL in a PLAIN message");
  SaslCredentials out;
  if (first != 0) {
    TRY(out.authorization_identity, read_name(message.substr(0, first)));
  }
  TRY(out.user_name, read_name(message.substr(first + 1, second - first - 1)));
  TRY(out.password, read_password(message.substr(second + 1)));
  return out;
}

std::string_view SaslLogin::challenge() const {
  return step_ == Step::user_name ? "Username:" : "Password:";
}

Result<> SaslLogin::take(std::string_view answer) {
  TODOKE_ASSERT(!complete());
  if (step_ == Step::user_name) {
    TRY(credentials_.user_name, read_name(answer));
    step_ = Step::password;
    return {};
  }
  TRY(credentials_.password, read_password(answer));
  step_ = Step::complete;
  return {};
}

}  // namespace todoke::crypto
