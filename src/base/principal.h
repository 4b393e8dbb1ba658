#pragma once

#include <cstdint>
#include <optional>
#include <string>

// Who acts: the directory lets people in and makes these, the store opens nothing without one, and
// neither needs to know of the other.
namespace todoke {

enum class Role { member = 0, administrator = 1, owner = 2, operator_ = 3 };

// What an account or a credential may be used for; bits, so that sets are numbers.
enum class Service : unsigned { pop3 = 1, imap = 2, submission = 4, web = 8 };
using ServiceSet = unsigned;
constexpr ServiceSet all_services = 15;
constexpr bool contains(ServiceSet set, Service service) {
  return (set & static_cast<unsigned>(service)) != 0;
}

// Somebody who signed in: the token without which the store opens nothing (mail-server rule R8).
struct Principal {
  std::int64_t account_id = 0;
  std::int64_t organisation_id = 0;
  Role role = Role::member;
  ServiceSet scope = 0;  // of the credential that was shown
  std::string login;     // as stored
  std::string address;   // the primary one
  bool pop3_read_only = false;
  std::optional<std::int64_t> pop3_mailbox_id;
  std::optional<int> send_limit_per_hour;
  // Of the directory: by which it knows whether the sign-in still holds.
  std::uint64_t signed_in_at = 0;
};

}  // namespace todoke
