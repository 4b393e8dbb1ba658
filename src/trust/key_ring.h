#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "base/worker_pool.h"
#include "sql/db.h"
#include "trust/dkim_key.h"
#include "trust/dkim_signer.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace todoke::trust {

// The DKIM keys of all domains for which we send, and the only place that reads their private
// halves.  Any thread.  Throws sql::Unavailable.  Domains are in A-labels and lower case, or
// Errc::invalid is the answer; whether they are ours is for the caller to know, as is the audit.
class KeyRing {
 public:
  KeyRing(sql::Db& db, const Clock& clock, WorkerPool& pool)
      : db_(db), clock_(clock), pool_(pool) {}

  // The first keys of a domain, RSA and Ed25519.  They sign at once by default: until the records
  // are published, a signature is worth as much as none.  Errc::conflict: it has keys.
  Task<Result<std::vector<DkimKey>>> create(
      std::string domain,
      std::chrono::microseconds publishing_time = std::chrono::microseconds::zero());

  // New keys, which take over from the present ones after `publishing_time`.  Errc::not_found:
  // there are none; Errc::conflict: a rotation has begun, and has not ended yet.
  Task<Result<std::vector<DkimKey>>> rotate(
      std::string domain, std::chrono::microseconds publishing_time = dkim_publishing_time);

  // Takes back a rotation whose records were not published in time: the present keys go on.
  // Errc::not_found: none is waiting.
  Task<Result<>> cancel_rotation(std::string domain);

  // All keys of a domain that is no longer ours, with their private halves.
  Task<> remove(std::string domain);

  // Every key that the domain ever had, by selector.
  Task<std::vector<DkimKey>> keys(std::string domain);

  // Who signs for the domain now: RSA, then Ed25519; nobody when it has no keys.  Remembered, so it
  // costs nothing at each message; what another process changes is seen after ten minutes, which
  // is why publishing takes longer than that.  A key that cannot be read is logged and left out.
  Task<std::vector<DkimIdentity>> identities(std::string domain);

  // Forgets the private halves of keys that sign no more, and tells how many; for housekeeping.
  Task<std::int64_t> forget_retired();

 private:
  struct Loaded {
    std::vector<DkimKey> keys;
    std::vector<std::shared_ptr<const crypto::SigningKey>> signers;  // beside `keys`; may be null
    Time read_at;
  };
  using Plan = Result<DkimRotation> (*)(std::string_view, std::span<const DkimKey>, Time,
                                        std::chrono::microseconds);

  Task<Result<std::vector<DkimKey>>> add(Plan plan, std::string domain,
                                         std::chrono::microseconds publishing_time);
  Task<std::shared_ptr<const Loaded>> load(std::string domain);
  std::shared_ptr<const Loaded> remembered(const std::string& domain, Time now) const;
  void forget(const std::string& domain);

  sql::Db& db_;
  const Clock& clock_;
  WorkerPool& pool_;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const Loaded>> loaded_;  // immutable snapshots
  std::uint64_t generation_ = 0;  // of changes: what was read before one is not remembered after it
};

}  // namespace todoke::trust
