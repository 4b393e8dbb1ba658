// Forgetting for good what was deleted 30 days ago, and giving disk space back.
#include "store/expunge.h"
#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {

constexpr int purge_batch = 200;  // a few milliseconds of the writer

// Expunges some messages of a mailbox that was deleted before `before`; when it has none left, the
// mailbox itself goes.  Whether there was such a mailbox.
bool empty_a_deleted_mailbox(sql::Tx& tx, Time before) {
  auto due = tx.first<std::int64_t, std::int64_t, Time>(
      "select account_id, id, deleted_at from mailbox where deleted_at < $1 limit 1", before);
  if (!due) return false;
  auto [account_id, mailbox_id, deleted_at] = *due;
  std::vector<std::uint32_t> uids;
  auto take = [&](const sql::Row& row) { uids.push_back(row.get<std::uint32_t>(0)); };
  tx.each(
      "select uid from placement where account_id = $1 and mailbox_id = $2 order by uid limit $3",
      take, account_id, mailbox_id, purge_batch);
  expunge(tx, account_id, mailbox_id, uids, deleted_at);
  if (!uids.empty()) return true;
  tx.run("delete from mailbox where account_id = $1 and id = $2", account_id, mailbox_id);
  // Only an abandoned account loses its INBOX, and with it the last that is known of it here.
  if (mailbox_id == inbox_id) tx.run("delete from mail_account where account_id = $1", account_id);
  return true;
}

}  // namespace

Task<int> Store::purge_some() {
  auto before = clock_.now() - kept_after_deletion;
  bool emptied = false;
  auto work = [&](sql::Tx& tx) {
    emptied = empty_a_deleted_mailbox(tx, before);
    return purge_expunged(tx, before, purge_batch);
  };
  auto purged = co_await db_.write(work);
  for (const auto& body : purged.bodies) blobs_.release(body);
  co_return purged.messages + (emptied ? 1 : 0);
}

Task<> Store::account_for_blobs() {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> live;
  auto found = blobs_.found();
  auto query = [&](sql::Tx& tx) {
    auto take = [&](const sql::Row& row) {
      live.emplace_back(row.get<std::uint64_t>(0), row.get<std::uint64_t>(1));
    };
    tx.each(
        "select segment, sum(stored) from blob "
        "where segment < $1 and (segment <> $2 or position < $3) group by segment",
        take, found.next_segment, found.tail, found.tail_end);
  };
  co_await db_.read(query);
  blobs_.set_live(live);
}

Task<std::uint64_t> Store::compact_some() {
  // The blob store calls back on the worker thread, where waiting for the database is allowed.
  auto live = [this](std::uint64_t segment) {
    std::vector<blob::Location> found;
    auto query = [&](sql::Tx& tx) {
      auto take = [&](const sql::Row& row) {
        found.push_back({.segment = segment,
                         .offset = row.get<std::uint64_t>(0),
                         .stored = row.get<std::uint64_t>(1),
                         .size = row.get<std::uint64_t>(2)});
      };
      tx.each("select position, stored, size from blob where segment = $1 order by position", take,
              segment);
    };
    block_on(db_.read(query));
    return found;
  };
  auto moved = [this](const std::vector<std::pair<blob::Location, blob::Location>>& places) {
    auto work = [&](sql::Tx& tx) {
      for (const auto& [from, to] : places)
        tx.run(
            "update blob set segment = $3, position = $4, stored = $5 "
            "where segment = $1 and position = $2",
            from.segment, from.offset, to.segment, to.offset, to.stored);
    };
    block_on(db_.write(work));
  };
  auto work = [&] { return blobs_.compact(live, moved); };
  co_return co_await pool_.run(work);
}

}  // namespace todoke::store
