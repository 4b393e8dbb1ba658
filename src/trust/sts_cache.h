#pragma once

#include "base/clock.h"
#include "base/lru_map.h"
#include "base/result.h"
#include "base/task.h"
#include "dns/resolver.h"
#include "sql/db.h"
#include "trust/mta_sts.h"

#include <mutex>
#include <optional>
#include <string>

namespace todoke::trust {

// Gets policy files over HTTPS; made by app/.  Tests script it.
class StsFetcher {
 public:
  virtual ~StsFetcher() = default;
  // The file at https://mta-sts.<domain>/.well-known/mta-sts.txt, by the rules of RFC 8461 §3.3, in
  // bounded time.  `domain` is in A-labels.  Any error: there is none to be had now.
  [[nodiscard]] virtual Task<Result<std::string>> fetch(std::string domain) = 0;
};

// The MTA-STS policies of the domains that we send to (RFC 8461 §5.1): asked for in the DNS,
// fetched, and kept in the database for as long as each wishes.  A policy once seen holds until it
// expires, so that who can disturb DNS or HTTPS takes nothing away.  Any thread.
class StsPolicies {
 public:
  StsPolicies(sql::Db& db, const Clock& clock, dns::Resolver& resolver, StsFetcher& fetcher)
      : db_(db), clock_(clock), resolver_(resolver), fetcher_(fetcher) {}

  // What holds for mail to the domain now, which may have U-labels; Mode::none when it has no
  // policy, or none that we could learn of.  Waits for the DNS, and for the fetcher when the policy
  // is new, has changed or wants to be refreshed.  Throws sql::Unavailable: nothing is known then,
  // and nothing may be sent.
  [[nodiscard]] Task<MtaStsPolicy> policy_for(std::string domain);

 private:
  struct Kept {
    MtaStsPolicy policy;
    std::string id;
    Time fetched_at;
    Time expires_at;
  };
  // What is remembered of a domain so that it is not asked for again and again.
  struct Note {
    Time no_policy_until{};
    std::string failed_id;  // could not be fetched, and is not tried again
    Time failed_until{};    // until then
  };

  Task<std::optional<Kept>> read(std::string domain);
  // The id in the DNS; nothing: there is no policy.
  Task<Result<std::optional<std::string>>> ask(std::string domain);
  Task<Result<Kept>> fetch(std::string domain, std::string id);
  Note note(const std::string& domain);
  void remember(const std::string& domain, Note note);

  sql::Db& db_;
  const Clock& clock_;
  dns::Resolver& resolver_;
  StsFetcher& fetcher_;

  std::mutex mutex_;
  LruMap<Note> notes_{20'000};  // guarded by mutex_
};

}  // namespace todoke::trust
