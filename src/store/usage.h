#pragma once

#include "base/result.h"
#include "sql/tx.h"

#include <cstdint>
#include <optional>

// What accounts and organisations hold: counters that change in the transaction that changes the
// rows they count.  Bytes of expunged messages do not count, though they can be restored.
namespace todoke::store {

// Upper bounds on the bytes of an account, and of its organisation's accounts together; nothing:
// no limit of its own.
struct Quota {
  std::optional<std::int64_t> account_bytes;
  std::optional<std::int64_t> organisation_bytes;
};

// Messages that came, or with negative numbers went.
struct Usage {
  std::int64_t bytes = 0;
  std::int64_t messages = 0;
};

// Counts in an account and in its organisation.
void count(sql::Tx& tx, std::int64_t account_id, const Usage& change);

// The organisations' half of it, written once for a run of accounts of the same one.  Between
// add() and settle() the row of the last organisation is behind by pending().
class OrganisationUsage {
 public:
  std::int64_t organisation_id() const { return organisation_id_; }
  const Usage& pending() const { return pending_; }
  void add(sql::Tx& tx, std::int64_t organisation_id, const Usage& change);
  void settle(sql::Tx& tx);

 private:
  std::int64_t organisation_id_ = 0;
  Usage pending_;
};

// Whether so many bytes more would fit; over_limit says in words which limit is in the way.  An
// account that is not there has room: append() tells.
Result<> has_room(sql::Tx& tx, std::int64_t account_id, std::int64_t bytes, const Quota& quota);

}  // namespace todoke::store
