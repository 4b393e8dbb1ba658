#include "crypto/password.h"

#include "crypto/digest.h"
#include "crypto/sodium_start.h"
#include "crypto/stored_form.h"

#include <crypt.h>
#include <sodium.h>

#include <array>
#include <memory>
#include <utility>

namespace todoke::crypto {
namespace {

Result<> check_password(std::string_view password) {
  if (password.empty()) return fail(Errc::invalid, "the password is empty");
  if (password.size() > max_password) return fail(Errc::invalid, "the password is too long");
  // crypt(3) would read no further, and so take any ending.
  if (password.contains('\0')) return fail(Errc::invalid, "the password contains a NUL byte");
  return {};
}

bool matches(const Argon2Form& form, std::string_view password) {
  if (form.kind == Argon2Form::Kind::argon2id)
    return crypto_pwhash_argon2id_str_verify(form.text.c_str(), password.data(), password.size()) ==
           0;
  return crypto_pwhash_argon2i_str_verify(form.text.c_str(), password.data(), password.size()) == 0;
}

bool matches(const CryptForm& form, std::string_view password) {
  // 32 KiB of scratch, which the library clears of secrets itself.
  auto scratch = std::make_unique<crypt_data>();
  std::string phrase(password);
  const char* made =
      crypt_rn(phrase.c_str(), form.text.c_str(), scratch.get(), static_cast<int>(sizeof *scratch));
  sodium_memzero(phrase.data(), phrase.size());
  // A failure gives null, or a text with '*' that no parsed form equals.
  return made != nullptr && equal(made, form.text);
}

std::string digest_of(DigestForm::Kind kind, std::string_view bytes) {
  switch (kind) {
    case DigestForm::Kind::md5:
      return md5(bytes);
    case DigestForm::Kind::sha1:
      return sha1(bytes);
    case DigestForm::Kind::sha256:
      return sha256(bytes);
    case DigestForm::Kind::sha512:
      return sha512(bytes);
  }
  std::unreachable();
}

bool matches(const DigestForm& form, std::string_view password) {
  auto salted = std::string(password) + form.salt;
  auto made = digest_of(form.kind, salted);
  sodium_memzero(salted.data(), salted.size());
  return equal(made, form.hash);
}

bool matches(const PlainForm& form, std::string_view password) {
  // The length of the password is a secret too.
  return equal(sha256(form.password), sha256(password));
}

bool is_as_wanted(const StoredForm& form, PasswordCost wanted) {
  auto* argon2 = std::get_if<Argon2Form>(&form);
  return argon2 != nullptr && argon2->kind == Argon2Form::Kind::argon2id &&
         argon2->cost.memory_kib >= wanted.memory_kib && argon2->cost.passes >= wanted.passes;
}

}  // namespace

Result<std::string> hash_password(std::string_view password, PasswordCost cost) {
  TRY_OK(check_password(password));
  start_sodium();
  std::array<char, crypto_pwhash_argon2id_STRBYTES> text{};
  auto done = crypto_pwhash_argon2id_str(text.data(), password.data(), password.size(), cost.passes,
                                         std::size_t{cost.memory_kib} * 1024);
  if (done != 0) return fail(Errc::unavailable, "no memory for hashing the password");
  return std::string("{ARGON2ID}") + text.data();
}

PasswordVerdict verify_password(std::string_view stored, std::string_view password,
                                PasswordCost wanted) {
  if (!check_password(password)) return PasswordVerdict::wrong;
  auto form = parse_stored_form(stored);
  if (!form) return PasswordVerdict::wrong;
  start_sodium();
  if (!std::visit([&](const auto& f) { return matches(f, password); }, *form))
    return PasswordVerdict::wrong;
  return is_as_wanted(*form, wanted) ? PasswordVerdict::right : PasswordVerdict::right_needs_rehash;
}

void verify_nobody(std::string_view password, PasswordCost cost) {
  // Hashing costs what verifying does; a refused password is as quick to refuse there as here.
  [[maybe_unused]] auto hash = hash_password(password, cost);
}

Result<> check_stored_form(std::string_view stored) {
  TRY_OK(parse_stored_form(stored));
  return {};
}

}  // namespace todoke::crypto
