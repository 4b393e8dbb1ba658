#pragma once

#include "directory/audit.h"
#include "directory/cache.h"
#include "directory/candidate.h"
#include "directory/directory.h"
#include "directory/throttle.h"
#include "directory/verified_passwords.h"

#include <mutex>

// What the rooms of this folder share; nobody else includes it.
namespace todoke::directory {

// Deleted accounts are kept this long.
inline constexpr std::chrono::hours kept_for{24 * 30};

// A password as it is stored.
struct Secret {
  std::string stored;
  std::optional<std::string> scram;
};

// Computes it; slow.  With scram_only, `stored` stays empty.
enum class Hashing { all, scram_only };
Result<Secret> make_secret(const std::string& password, const DirectoryOptions& options,
                           Hashing hashing = Hashing::all);

// Both ways of signing in refuse and tell of it alike.
std::unexpected<Error> too_many_failures(const SignIn& request, std::chrono::seconds wait);
void log_refusal(const SignIn& request, std::string_view reason);

struct Directory::Impl {
  Impl(sql::Db& database, const Clock& a_clock, IdGenerator& generator, WorkerPool& workers,
       const DirectoryOptions& with)
      : db(database), clock(a_clock), ids(generator), pool(workers), options(with) {}

  sql::Db& db;
  const Clock& clock;
  IdGenerator& ids;
  WorkerPool& pool;
  const DirectoryOptions options;

  Generation generation;
  GenerationCache<std::string, Route> routes{generation, options.cached_routes};
  GenerationCache<std::int64_t, QuotaLimits> limits{generation, 50'000};
  Throttle throttle{clock};
  VerifiedPasswords verified{clock};
  SignOuts sign_outs;
  std::mutex salt_mutex;
  std::string salt_secret;  // empty until it was read
  std::function<void(sql::Tx&, const Account&)> on_create;
  std::function<void(sql::Tx&, std::int64_t)> on_purge;

  // Runs `work(Change&)`, which answers a Result, in a transaction, and makes all that was
  // remembered worthless before the caller goes on, whether it succeeded or not: after a lost
  // connection nobody knows.
  template <class F>
  Task<std::invoke_result_t<F&, Change&>> change(const Actor& by, F& work) {  // NOLINT: see Db
    Aftermath aftermath{*this};
    auto transaction = [&](sql::Tx& tx) {
      Change change(tx, by, clock.now(), ids, aftermath.effects);
      return work(change);
    };
    try {
      co_return co_await db.write(transaction);
    } catch (const sql::Violation&) {
      // Two administrators at once, on a database that runs transactions side by side.
    }
    co_return fail(Errc::conflict, "somebody has just changed the same; look again");
  }

  // The same on the pool.
  Task<Result<Secret>> secret_of(std::string password);

  // Signing in.  References are to what the awaiting caller holds.
  struct Verdict {
    StoredCredential* right = nullptr;
    bool needs_rehash = false;
    bool fresh = false;            // compared just now, not remembered
    std::chrono::seconds wait{0};  // not looked at, for the throttle is on
  };
  Task<std::optional<Candidate>> candidate_of(const SignIn& request);  // NOLINT
  Throttle::Attempt attempt_of(const SignIn& request,
                               const std::optional<Candidate>& candidate) const;
  Task<Result<Principal>> check_password(SignIn request);
  // What is written after a right password.
  Task<> settle(const Candidate& candidate, StoredCredential& credential,           // NOLINT
                const SignIn& request, const Verdict& verdict);                     // NOLINT
  Task<> note_use(const Candidate& candidate, const StoredCredential& credential);  // NOLINT
  Task<> renew(const Candidate& candidate, StoredCredential& credential,            // NOLINT
               const SignIn& request, bool rehash);                                 // NOLINT

 private:
  struct Aftermath {
    Impl& impl;
    Effects effects = {};
    ~Aftermath() {
      impl.generation.advance();
      for (auto account : effects.touched) impl.verified.forget(account);
      for (auto account : effects.signed_out) impl.sign_outs.sign_out_account(account);
      for (auto organisation : effects.organisations_signed_out)
        impl.sign_outs.sign_out_organisation(organisation);
    }
  };
};

}  // namespace todoke::directory
