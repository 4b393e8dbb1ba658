#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "crypto/password.h"
#include "crypto/scram.h"
#include "directory/model.h"
#include "directory/sign_outs.h"
#include "sql/db.h"

#include <cstddef>
#include <cstdint>
#include <functional>
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
    handled,    // no mailbox, yet ours (delivery::AddressHandler)
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

// How much an account may hold, and all of its organisation together; none: no limit of its own.
// What is used already is the store's to know.
struct QuotaLimits {
  std::int64_t organisation_id = 0;
  std::optional<std::int64_t> account_bytes;
  std::optional<std::int64_t> organisation_bytes;
  bool operator==(const QuotaLimits&) const = default;
};

// The same from inside a transaction; none: there is no such account.
std::optional<QuotaLimits> read_limits(sql::Tx& tx, std::int64_t account);

// How an account signs in; empty when there is no such account.
SignInImage read_sign_in(sql::Tx& tx, std::int64_t account);

struct DirectoryOptions {
  // What new passwords cost to check; tests lower both.
  crypto::PasswordCost password_cost = crypto::interactive;
  std::uint32_t scram_iterations = crypto::scram_iterations;
  std::size_t cached_routes = 200'000;
};

// Organisations, domains, accounts, addresses, credentials.  The one place that knows who exists
// and who may sign in.  Any thread.  All changes are audited in the same transaction, and are seen
// by every call that begins after they have returned; a change that is made around this object is
// not seen by what it remembers.  Whether the actor may do what he asks is for the caller to know.
//
// Throws sql::Unavailable, except where Errc::unavailable is named.
class Directory {
 public:
  Directory(sql::Db& db, const Clock& clock, IdGenerator& ids, WorkerPool& pool,
            const DirectoryOptions& options = {});
  ~Directory();

  struct Impl;  // impl.h, for this folder alone

  // ---- Routing (hot path)

  // The answer for `local@domain` if it is known without asking the database.  `local` is as
  // smtp::Path has it, without quotes; `domain` as given, in A-labels or U-labels.
  //
  // Sub-addressing: the part from "+" on is ignored when the whole address is nobody's.  Then the
  // domain's catch-all account takes what is left.  Domains and local parts compare without case.
  // An address of several accounts leads to all that are not deleted, if one of them is active.
  // RFC 5321 §4.5.1: postmaster of each of our domains, and of no domain, always leads somewhere:
  // to its own address, the catch-all, the oldest owner or administrator, or the oldest account.
  std::optional<Route> cached_route(std::string_view local, std::string_view domain) const;
  [[nodiscard]] Task<Route> route(std::string local, std::string domain);

  // Quotas; Errc::not_found when there is no such account.
  std::optional<QuotaLimits> cached_limits(std::int64_t account) const;
  [[nodiscard]] Task<Result<QuotaLimits>> limits(std::int64_t account);

  // ---- Signing in

  // Checks login, password, service, state and throttle.  Errc::denied: wrong, and the text is the
  // same for every reason a stranger must not tell apart; who knows the password is told why it
  // does not help (suspended, not for this service).  Errc::over_limit: throttled, and the text
  // says for how many seconds; Errc::unavailable.  Imported hashes are replaced by argon2id at the
  // first success, before this returns.  A login is a login name of this listener or of all, or an
  // address that leads to one account or is the primary one of one.
  [[nodiscard]] Task<Result<Principal>> sign_in(SignIn request);
  // For SCRAM: keys of a login's password, or nothing when unknown (the caller then plays the same
  // exchange with fake keys), and what to tell afterwards.  `password` stays empty.
  struct ScramLookup {
    std::string keys;     // crypto::ScramKeys text form
    Principal principal;  // valid only if the proof is right
  };
  [[nodiscard]] Task<Result<std::optional<ScramLookup>>> scram_keys(SignIn request);
  // From which the salts of unknown names are made: the same for as long as the installation lives,
  // since a salt that changes with a restart would tell an unknown name from a known one.
  [[nodiscard]] Task<Result<std::string>> fake_salt_secret();
  // After the proof and before the answer to the client: Errc::over_limit even after a right proof,
  // if too many other exchanges failed meanwhile; the client is then refused.
  [[nodiscard]] Task<Result<>> scram_done(SignIn request, std::optional<Principal> success);

  // Whether the sign-in still holds: not once the account or its organisation was suspended or
  // deleted, or the account's services or passwords were changed.  Then the session ends.  Asks no
  // database, so that a session asks before each command.
  bool still_signed_in(const Principal& principal) const;
  // Calls `ended` when still_signed_in() becomes false, for a session that waits.
  [[nodiscard]] SignOuts::Watch watch_sign_in(const Principal& principal,
                                              std::function<void()> ended);

  // Whether the account may send as `local@domain`: one of its addresses, or sub-address of one.
  // Never when the account, its organisation or the domain is not active.
  [[nodiscard]] Task<bool> may_send_as(std::int64_t account, std::string local, std::string domain);

  // ---- Administration.  Errc::conflict: exists already; not_found; invalid with words.

  [[nodiscard]] Task<Result<Organisation>> create_organisation(Actor by, NewOrganisation wanted);
  [[nodiscard]] Task<std::vector<Organisation>> organisations();
  [[nodiscard]] Task<Result<>> update_organisation(Actor by, std::string name,
                                                   OrganisationChange change);

  [[nodiscard]] Task<Result<Domain>> create_domain(Actor by, std::string organisation,
                                                   std::string name);
  [[nodiscard]] Task<std::vector<Domain>> domains(std::optional<std::string> organisation);
  // Refused while addresses remain, also those of deleted accounts.
  [[nodiscard]] Task<Result<>> delete_domain(Actor by, std::string name);
  [[nodiscard]] Task<Result<>> set_catch_all(Actor by, std::string domain,
                                             std::optional<std::string> address);

  // Creates the account, its primary address and login, and its password.  With neither password
  // nor hash nobody can sign in until one is set.  The mailboxes are made by `on_create`, called
  // inside the same transaction (store plugs itself in here; set once, before the first call).
  [[nodiscard]] Task<Result<Account>> create_account(Actor by, NewAccount wanted);
  void on_create(std::function<void(sql::Tx&, const Account&)> hook);
  // Deleted ones too.  Errc::conflict: it leads to several accounts.
  [[nodiscard]] Task<Result<Account>> find_account(std::string address_or_login);
  [[nodiscard]] Task<std::vector<Account>> accounts(std::optional<std::string> domain);
  [[nodiscard]] Task<Result<>> update_account(Actor by, std::string address, AccountChange change);
  // Deleted accounts keep everything for 30 days, their addresses and logins too; restore_account
  // undoes it and makes the account active.
  [[nodiscard]] Task<Result<>> delete_account(Actor by, std::string address);
  [[nodiscard]] Task<Result<>> restore_account(Actor by, std::string address);
  // Forgets accounts that were deleted more than 30 days ago, 100 at most, and answers how many;
  // called daily until it answers 0.  `on_purge` removes what others keep of an account, in the
  // same transaction.
  [[nodiscard]] Task<int> purge_deleted(Actor by);
  void on_purge(std::function<void(sql::Tx&, std::int64_t account)> hook);

  // Several accounts may share an address.  Errc::over_limit: 100 accounts have it, or the account
  // has 1,000.
  [[nodiscard]] Task<Result<>> add_address(Actor by, std::string address,
                                           std::string account_address);
  [[nodiscard]] Task<Result<>> remove_address(Actor by, std::string address,
                                              std::string account_address);
  [[nodiscard]] Task<Result<>> add_login(Actor by, std::string account_address, std::string name,
                                         std::string listener);
  // The primary address is no name that could be removed.
  [[nodiscard]] Task<Result<>> remove_login(Actor by, std::string name, std::string listener);

  [[nodiscard]] Task<Result<>> set_password(Actor by, std::string address, std::string password);
  // A stored form from another server ({SHA512-CRYPT}…), checked before it is taken.
  [[nodiscard]] Task<Result<>> set_password_hash(Actor by, std::string address, std::string stored);
  // Answers the new password, shown once.  20 per account.
  [[nodiscard]] Task<Result<std::string>> create_app_password(Actor by, std::string address,
                                                              std::string label, ServiceSet scope,
                                                              std::optional<Time> expires);
  [[nodiscard]] Task<Result<>> delete_app_password(Actor by, std::string address, std::int64_t id);
  [[nodiscard]] Task<Result<std::vector<AppPassword>>> app_passwords(std::string address);

  // Lets the account sign in as the image says: its credentials are replaced by those, its logins
  // added.  Errc::invalid: a hash or key is none; over_limit: too many; nothing is changed then.
  // Answers in words which logins could not be added.
  [[nodiscard]] Task<Result<std::vector<std::string>>> restore_sign_in(Actor by,
                                                                       std::string address,
                                                                       SignInImage image);

  // Newest first, 1,000 at most; of one organisation or of all.
  [[nodiscard]] Task<std::vector<AuditEvent>> audit(std::optional<std::string> organisation,
                                                    int limit);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::directory
