#pragma once

#include "blob/store.h"
#include "sql/tx.h"
#include "store/hub.h"
#include "store/model.h"

#include <span>
#include <vector>

// Taking messages out and bringing them back, inside the caller's transaction.
namespace todoke::store {

// What went, and at which MODSEQ.
struct ExpungeOutcome {
  Delta delta;
  std::int64_t modseq = 0;
};

// Moves placements to `vanished`, where a restore finds them for 30 days.  UIDs that are not there,
// and messages that lack one of the `required` flags, are passed over.
ExpungeOutcome expunge(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                       std::span<const std::uint32_t> uids, unsigned required, Time now);

// Brings back what was expunged since `since`, oldest first, under new UIDs.
int restore_expunged(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id, Time since);

// Forgets for good up to `limit` messages that were expunged before `before`.  Bodies that nobody
// refers to any more are answered, for blob::Store::release() after the commit.
struct Purged {
  int messages = 0;
  std::vector<blob::Location> bodies;
};
Purged purge_expunged(sql::Tx& tx, Time before, int limit);

}  // namespace todoke::store
