#pragma once

#include "base/result.h"
#include "crypto/password.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

// The parser behind check_stored_form and verify_password; others use password.h.
namespace todoke::crypto {

// Text that libsodium verifies.
struct Argon2Form {
  enum class Kind { argon2i, argon2id };
  Kind kind;
  PasswordCost cost;
  std::string text;
};

// Setting and hash as crypt(3) takes and gives them.
struct CryptForm {
  std::string text;
};

// digest(password + salt) = hash.
struct DigestForm {
  enum class Kind { md5, sha1, sha256, sha512 };
  Kind kind;
  std::string hash;
  std::string salt;
};

struct PlainForm {
  std::string password;
};

using StoredForm = std::variant<Argon2Form, CryptForm, DigestForm, PlainForm>;

// Errors as check_stored_form gives them.
Result<StoredForm> parse_stored_form(std::string_view stored);

}  // namespace todoke::crypto
