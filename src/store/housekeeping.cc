// Forgetting for good what was deleted 30 days ago, and giving disk space back.
#include "store/expunge.h"
#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {

constexpr int purge_batch = 200;  // a few milliseconds of the writer

struct DueMailbox {
  std::int64_t account_id, id;
  Time deleted_at;
};

// The INBOX of an account that is given up goes last, and with it the account's counters.
std::optional<DueMailbox> due_mailbox(sql::Tx& tx, Time before) {
  auto row = tx.first<std::int64_t, std::int64_t, Time>(
      "select account_id, id, deleted_at from mailbox where deleted_at < $1 "
      "order by account_id, id desc limit 1",
      before);
  if (!row) return {};
  return DueMailbox{std::get<0>(*row), std::get<1>(*row), std::get<2>(*row)};
}

// Expunges some of its messages; whether it had any.
bool expunge_some(sql::Tx& tx, const DueMailbox& due) {
  std::vector<std::uint32_t> uids;
  auto take = [&](const sql::Row& row) { uids.push_back(row.get<std::uint32_t>(0)); };
  tx.each(
      "select uid from placement where account_id = $1 and mailbox_id = $2 order by uid limit $3",
      take, due.account_id, due.id, purge_batch);
  expunge(tx, due.account_id, due.id, uids, 0, due.deleted_at);
  return !uids.empty();
}

// Whether messages that were expunged from it are still to be purged; they are due with it.
bool still_holds_bodies(sql::Tx& tx, const DueMailbox& due) {
  tx.run(
      "update vanished set expunged_at = $3 where account_id = $1 and mailbox_id = $2 "
      "and message_id is not null and expunged_at > $3",
      due.account_id, due.id, due.deleted_at);
  return tx
      .first<int>(
          "select 1 from vanished where account_id = $1 and mailbox_id = $2 "
          "and message_id is not null limit 1",
          due.account_id, due.id)
      .has_value();
}

// Forgets some of what is remembered of its messages; whether there was anything.
bool forget_some(sql::Tx& tx, const DueMailbox& due) {
  auto forgotten = tx.run(
      "delete from vanished where account_id = $1 and mailbox_id = $2 and uid in "
      "(select uid from vanished where account_id = $1 and mailbox_id = $2 limit $3)",
      due.account_id, due.id, purge_batch);
  forgotten += tx.run(
      "delete from import_source where account_id = $1 and mailbox_id = $2 and source in "
      "(select source from import_source where account_id = $1 and mailbox_id = $2 limit $3)",
      due.account_id, due.id, purge_batch);
  return forgotten > 0;
}

// One step towards the end of a mailbox that was deleted before `before`: its messages, what is
// remembered of them, itself.  Whether there was such a mailbox.
bool empty_a_deleted_mailbox(sql::Tx& tx, Time before) {
  auto due = due_mailbox(tx, before);
  if (!due) return false;
  if (expunge_some(tx, *due) || still_holds_bodies(tx, *due) || forget_some(tx, *due)) return true;
  tx.run("delete from mailbox where account_id = $1 and id = $2", due->account_id, due->id);
  // Only an account that is given up loses its INBOX.
  if (due->id == inbox_id)
    tx.run("delete from mail_account where account_id = $1", due->account_id);
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
