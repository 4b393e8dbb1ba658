#pragma once

#include "base/clock.h"
#include "base/principal.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The things of the directory, as values.
namespace todoke::directory {

using todoke::all_services;
using todoke::contains;
using todoke::Principal;
using todoke::Role;
using todoke::Service;
using todoke::ServiceSet;

enum class State { active = 0, suspended = 1, deleted = 2 };
struct Organisation {
  std::int64_t id = 0;
  std::string name;
  std::string locale = "ja";
  State state = State::active;
  std::optional<std::int64_t> quota_bytes;
  Time created_at{};
};
struct NewOrganisation {
  std::string name;
  std::string locale = "ja";
  std::optional<std::int64_t> quota_bytes;
};
struct OrganisationChange {
  std::optional<std::string> name;
  std::optional<std::string> locale;
  std::optional<State> state;
  std::optional<std::optional<std::int64_t>> quota_bytes;
};

struct Domain {
  std::string name;  // A-labels, lower case
  std::int64_t organisation_id = 0;
  std::string organisation;
  std::optional<std::string> catch_all;  // primary address of the account
  State state = State::active;
};

struct Account {
  std::int64_t id = 0;
  std::int64_t organisation_id = 0;
  std::string address;  // the primary one
  std::vector<std::string> aliases;
  std::vector<std::string> logins;  // "name" or "name@listener-address" as "name (192.0.2.1)"
  std::string display_name;
  std::string locale = "ja";
  Role role = Role::member;
  State state = State::active;
  std::optional<std::int64_t> quota_bytes;
  ServiceSet services = all_services;
  std::optional<std::int64_t> pop3_mailbox_id;
  bool pop3_read_only = false;
  std::optional<int> send_limit_per_hour;
  Time created_at{};
  std::optional<Time> deleted_at;
};
struct NewAccount {
  std::string address;
  std::string password;         // or:
  std::string stored_password;  // a hash from another server
  std::string display_name;
  std::string locale;  // empty: the organisation's
  Role role = Role::member;
  std::optional<std::int64_t> quota_bytes;
};
struct AccountChange {
  std::optional<std::string> display_name;
  std::optional<std::string> locale;
  std::optional<Role> role;
  std::optional<State> state;  // active or suspended
  std::optional<std::optional<std::int64_t>> quota_bytes;
  std::optional<ServiceSet> services;
  std::optional<std::optional<std::int64_t>> pop3_mailbox_id;
  std::optional<bool> pop3_read_only;
  std::optional<std::optional<int>> send_limit_per_hour;
};

struct AppPassword {
  std::int64_t id = 0;
  std::string label;
  ServiceSet scope = all_services;
  Time created_at{};
  std::optional<Time> expires_at;
  std::optional<Time> last_used_at;
};

// How an account signs in, as a backup of it keeps it: names and hashes, no passwords.
struct SignInImage {
  struct Login {
    std::string name;
    std::string listener;  // empty: of all
  };
  struct Credential {
    enum class Kind { password = 0, app_password = 1 };
    Kind kind = Kind::password;
    std::string stored;                // crypto::hash_password form
    std::optional<std::string> scram;  // crypto::ScramKeys form
    std::string label;
    ServiceSet scope = all_services;
    Time created_at{};
    std::optional<Time> expires_at;
    std::optional<Time> last_used_at;
  };
  std::vector<Login> logins;  // with the primary address
  std::vector<Credential> credentials;
};

// Who changes something, for the audit.
struct Actor {
  std::string name;    // "root on the command line", an account's address
  std::string source;  // network address, or "local"
};

struct AuditEvent {
  std::int64_t id = 0;
  Time at{};
  std::string organisation;
  std::string actor;
  std::string action;
  std::string target;
  std::string detail;
  std::string source;
};

}  // namespace todoke::directory
