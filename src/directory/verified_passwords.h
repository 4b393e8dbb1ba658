#pragma once

#include "base/clock.h"
#include "base/lru_map.h"

#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::directory {

// Passwords that were right a short while ago, so that a POP3 client that signs in every minute
// costs one argon2 in ten minutes.
//
// Why this is safe (rule R9, and what became of caches that forgot an input):
//   - It answers one question only: was this password found right against this stored hash?  The
//     digest holds every input of that question, each with its length before it: account,
//     credential, stored hash, password and service.  A changed password changes the hash, and so
//     the digest; states, scopes and expiry are read from the database at each sign-in, behind it.
//   - Digests are HMAC-SHA-256 under a random key of this process.  The passwords are not kept; who
//     can read our memory can read the key too and guess fast, but such a one sees the passwords
//     themselves go by.
//   - The throttle is asked first, so it is no faster way to guess.
//   - Entries end after ten minutes (not renewed by use) and with any change of the account.
// Any thread.
class VerifiedPasswords {
 public:
  explicit VerifiedPasswords(const Clock& clock);

  // The keyed digest of the fields, in this order and with their borders.
  std::string digest(std::initializer_list<std::string_view> fields) const;

  bool contains(std::int64_t account, std::string_view digest);
  void remember(std::int64_t account, std::string digest);
  void forget(std::int64_t account);

 private:
  struct Entry {
    std::string digest;
    Steady until{};
  };

  const Clock& clock_;
  const std::string key_;
  std::mutex mutex_;
  LruMap<std::vector<Entry>> accounts_{50'000};
};

}  // namespace todoke::directory
