#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Passwords at rest.  A stored form is text: a scheme in braces, then what that scheme keeps.
// Our own form is {ARGON2ID}; the others exist so that accounts can move here with the password
// they have, and give way to ours at the first login (`right_needs_rehash`).
//
//   {ARGON2ID} {ARGON2I}                         $argon2id$v=19$m=…,t=…,p=…$salt$hash
//   {CRYPT}                                      any form of crypt(3) of this system, see below
//   {SHA512-CRYPT} {SHA256-CRYPT} {BLF-CRYPT} {MD5-CRYPT}        $6$ $5$ $2a$/$2b$/$2y$ $1$
//   {SSHA} {SSHA256} {SSHA512} {SMD5}            digest of password and salt, then the salt
//   {SHA} {SHA1} {SHA256} {SHA512} {PLAIN-MD5} {LDAP-MD5}        digest of the password
//   {MD5}                                        crypt form if it starts with $1$, else a digest
//   {PLAIN} {CLEARTEXT} {CLEAR}                  the password itself
//   no scheme, starting with $                   argon2 or crypt(3)
//
// Scheme names are read in any case.  Digests are base64, or hexadecimal where their length says
// so; a suffix .B64, .BASE64 or .HEX after the scheme name settles it.  {CRYPT} knows traditional
// DES, BSDi, $1$, $2a$ $2b$ $2y$, $5$, $6$, $7$, $y$, $gy$, $md5$ and $sha1$.
//
// Work that a form asks for is bounded (rule R11 of the architecture), so that an import cannot
// tie up the server: 1,000,000 rounds of SHA-crypt, bcrypt cost 14, 64 MiB of yescrypt or scrypt,
// 256 MiB of argon2 and 1 GiB of it filled over all passes.  The dearest takes a second;
// SHA-crypt at its bound up to four, for it takes longer with longer passwords.
//
// Everything here is slow on purpose: call it on a worker pool, never on an I/O thread.
namespace todoke::crypto {

// No password is longer; crypt(3) forms match none above 511 bytes, and bcrypt reads only
// 72, DES 8.
inline constexpr std::size_t max_password = 1024;

// What argon2id spends on one hash.
struct PasswordCost {
  std::uint32_t memory_kib;
  std::uint32_t passes;
  bool operator==(const PasswordCost&) const = default;
};

// OWASP's minimum for argon2id (19 MiB, two passes, one lane; 20 to 40 ms of one core).  Not more,
// because mail clients authenticate on every connection, several at a time, all day: each login
// under way holds this memory, and a server of 1 GiB must stand twenty of them at once.
inline constexpr PasswordCost interactive{19 * 1024, 2};
// For tests, where nothing is protected.
inline constexpr PasswordCost cheapest{8, 1};

// The stored form {ARGON2ID}$argon2id$… of a new password.  Errc::invalid with a reason when it is
// empty, longer than max_password or holds a NUL byte; Errc::unavailable when memory is short.
Result<std::string> hash_password(std::string_view password, PasswordCost cost = interactive);

enum class PasswordVerdict {
  wrong,
  right,
  right_needs_rehash,  // right, but stored in another scheme or cheaper than `wanted`: hash anew
};

// Whether `password` is the one kept in `stored`.  A form that check_stored_form refuses, and a
// password that hash_password refuses, is `wrong`.
PasswordVerdict verify_password(std::string_view stored, std::string_view password,
                                PasswordCost wanted = interactive);

// Takes the time of verify_password against a form of that cost.  Call it where no account is
// found, so that the time of a refusal does not tell whether there is one.
void verify_nobody(std::string_view password, PasswordCost cost = interactive);

// Nothing, or Errc::invalid (malformed or of an unknown scheme) or Errc::over_limit (too costly) in
// words for the administrator who imports it.  The words never repeat the form.  Fast.
Result<> check_stored_form(std::string_view stored);

}  // namespace todoke::crypto
