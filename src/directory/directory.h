#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "directory/model.h"
#include "sql/db.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::directory {

// Where mail for an address goes.
struct Route {
  enum class Kind {
    local,      // into `accounts`
    unknown,    // a domain of ours, and nobody there: 550 5.1.1
    suspended,  // known, not now: 450 4.2.1, so that nothing is lost
    not_ours,   // another server's domain
  };
  Kind kind = Kind::not_ours;
  std::vector<std::int64_t> accounts;
};

// What somebody shows to be let in.
struct SignIn {
  std::string login;  // as typed
  std::string password;
  Service service = Service::pop3;
  std::string listener;  // our address that was called, for legacy IDs
  std::string network;   // net::Peer::network(): who is throttled
  std::string source;    // address for the audit
};

// Organisations, domains, accounts, addresses, credentials.  The one place that knows who exists
// and who may sign in.  Any thread.  All changes are audited in the same transaction.
class Directory {
 public:
  Directory(sql::Db& db, const Clock& clock, IdGenerator& ids, WorkerPool& pool);
  ~Directory();

  // ---- Routing (hot path)

  // The answer for `local@domain` if it is known without asking the database.  Sub-addressing: the
  // part from "+" on is ignored when the whole address is nobody's.  Domains and local parts
  // compare without case.
  std::optional<Route> cached_route(std::string_view local, std::string_view domain) const;
  [[nodiscard]] Task<Route> route(std::string local, std::string domain);

  // ---- Signing in

  // Checks login, password, service, state and throttle.  Errc::denied: wrong, and the text is the
  // same for every reason a stranger must not tell apart; Errc::over_limit: throttled, try later;
  // Errc::unavailable.  Imported hashes are replaced by argon2id at the first success.
  [[nodiscard]] Task<Result<Principal>> sign_in(SignIn request);
  // For SCRAM: keys of a login's password, or nothing when unknown (the caller then plays the same
  // exchange with fake keys), and what to tell afterwards.
  struct ScramLookup {
    std::string keys;     // crypto::ScramKeys text form
    Principal principal;  // valid only if the proof is right
  };
  [[nodiscard]] Task<Result<std::optional<ScramLookup>>> scram_keys(SignIn request);
  [[nodiscard]] Task<> scram_done(SignIn request, std::optional<Principal> success);

  // Whether the account may send as `local@domain`: one of its addresses, or sub-address of one.
  [[nodiscard]] Task<bool> may_send_as(std::int64_t account, std::string local, std::string domain);

  // ---- Administration.  Errc::conflict: exists already; not_found; invalid with words.

  [[nodiscard]] Task<Result<Organisation>> create_organisation(Actor by, NewOrganisation wanted);
  [[nodiscard]] Task<std::vector<Organisation>> organisations();
  [[nodiscard]] Task<Result<>> update_organisation(Actor by, std::string name,
                                                   OrganisationChange change);

  [[nodiscard]] Task<Result<Domain>> create_domain(Actor by, std::string organisation,
                                                   std::string name);
  [[nodiscard]] Task<std::vector<Domain>> domains(std::optional<std::string> organisation);
  // Refused while addresses remain.
  [[nodiscard]] Task<Result<>> delete_domain(Actor by, std::string name);
  [[nodiscard]] Task<Result<>> set_catch_all(Actor by, std::string domain,
                                             std::optional<std::string> address);

  // Creates the account, its primary address and login, and its password.  The mailboxes are made
  // by `on_create`, called inside the same transaction (store plugs itself in here).
  [[nodiscard]] Task<Result<Account>> create_account(Actor by, NewAccount wanted);
  void on_create(std::function<void(sql::Tx&, const Account&)> hook);
  [[nodiscard]] Task<Result<Account>> find_account(std::string address_or_login);
  [[nodiscard]] Task<std::vector<Account>> accounts(std::optional<std::string> domain);
  [[nodiscard]] Task<Result<>> update_account(Actor by, std::string address, AccountChange change);
  // Deleted accounts keep everything for 30 days; restore_account undoes it.
  [[nodiscard]] Task<Result<>> delete_account(Actor by, std::string address);
  [[nodiscard]] Task<Result<>> restore_account(Actor by, std::string address);

  [[nodiscard]] Task<Result<>> add_address(Actor by, std::string address,
                                           std::string account_address);
  [[nodiscard]] Task<Result<>> remove_address(Actor by, std::string address,
                                              std::string account_address);
  [[nodiscard]] Task<Result<>> add_login(Actor by, std::string account_address, std::string name,
                                         std::string listener);
  [[nodiscard]] Task<Result<>> remove_login(Actor by, std::string name, std::string listener);

  [[nodiscard]] Task<Result<>> set_password(Actor by, std::string address, std::string password);
  // A stored form from another server ({SHA512-CRYPT}…), checked before it is taken.
  [[nodiscard]] Task<Result<>> set_password_hash(Actor by, std::string address, std::string stored);
  // Answers the new password, shown once.
  [[nodiscard]] Task<Result<std::string>> create_app_password(Actor by, std::string address,
                                                              std::string label, ServiceSet scope,
                                                              std::optional<Time> expires);
  [[nodiscard]] Task<Result<>> delete_app_password(Actor by, std::string address, std::int64_t id);
  [[nodiscard]] Task<Result<std::vector<AppPassword>>> app_passwords(std::string address);

  [[nodiscard]] Task<std::vector<AuditEvent>> audit(std::optional<std::string> organisation,
                                                    int limit);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::directory
