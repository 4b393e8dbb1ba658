#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "sql/tx.h"
#include "store/flags.h"
#include "store/hub.h"
#include "store/model.h"
#include "store/usage.h"

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

// Messages from one mailbox of an account into another, inside the caller's transaction.
namespace todoke::store {

// What came of it.  RFC 4315 §3 tells clients the pairs.
struct Copied {
  std::int64_t modseq = 0;
  std::uint32_t uidvalidity = 0;                              // of the target
  std::vector<std::pair<std::uint32_t, std::uint32_t>> uids;  // old and new, by the old
  Delta target;
  Delta source;  // of a move: what is gone
};

// Copies the messages that are in `ranges` (sorted, apart): new messages that share their bodies
// with the old, keeping flags, keywords and dates.  All or none: not_found (no such target),
// over_limit (quota), too_many (keywords).
Result<Copied> copy_messages(sql::Tx& tx, IdGenerator& ids, std::int64_t account_id,
                             std::int64_t source, std::span<const UidRange> ranges,
                             std::int64_t target, Time now, const Quota& quota);

// The same messages in another place, under new UIDs.  RFC 6851 §3.3.  Into the mailbox where they
// are: they go to its end.
Result<Copied> move_messages(sql::Tx& tx, std::int64_t account_id, std::int64_t source,
                             std::span<const UidRange> ranges, std::int64_t target, Time now);

}  // namespace todoke::store
