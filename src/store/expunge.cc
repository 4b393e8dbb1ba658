#include "store/expunge.h"

#include "store/account_row.h"
#include "store/append.h"
#include "store/usage.h"

namespace todoke::store {
namespace {

struct Totals {
  std::int64_t messages = 0, unseen = 0, bytes = 0;
  void add(const sql::Row& row, int flags, int size) {
    ++messages;
    unseen += (row.integer(flags) & flag_seen) == 0 ? 1 : 0;
    bytes += row.integer(size);
  }
};

// Adds `sign` times the totals to the counters of mailbox, account and organisation.
void count_all(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id, std::int64_t modseq,
               const Totals& totals, int sign) {
  tx.run(
      "update mailbox set message_count = message_count + $3, unseen_count = unseen_count + $4, "
      "size_bytes = size_bytes + $5, highestmodseq = $6 where account_id = $1 and id = $2",
      account_id, mailbox_id, sign * totals.messages, sign * totals.unseen, sign * totals.bytes,
      modseq);
  count(tx, account_id, {.bytes = sign * totals.bytes, .messages = sign * totals.messages});
}

}  // namespace

ExpungeOutcome expunge(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                       std::span<const std::uint32_t> uids, unsigned required, Time now) {
  if (uids.empty()) return {};
  ExpungeOutcome outcome{.modseq = next_modseq(tx, account_id)};
  Totals totals;
  for (auto uid : uids) {
    bool went = false;
    auto take = [&](const sql::Row& row) {
      totals.add(row, 0, 1);
      went = true;
    };
    tx.each(
        "insert into vanished (account_id, mailbox_id, uid, modseq, expunged_at, message_id, "
        "flags, keywords, size, pop3_seq, pop3_uidl, pop3_size) "
        "select account_id, mailbox_id, uid, $4, $5, message_id, flags, keywords, size, pop3_seq, "
        "pop3_uidl, pop3_size from placement where account_id = $1 and mailbox_id = $2 "
        "and uid = $3 and (flags & $6) = $6 returning flags, size",
        take, account_id, mailbox_id, uid, outcome.modseq, now, required);
    if (!went) continue;
    tx.run("delete from placement where account_id = $1 and mailbox_id = $2 and uid = $3",
           account_id, mailbox_id, uid);
    outcome.delta.gone.push_back(uid);
  }
  count_all(tx, account_id, mailbox_id, outcome.modseq, totals, -1);
  return outcome;
}

int restore_expunged(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id, Time since) {
  std::vector<std::uint32_t> uids;
  Totals totals;
  auto take = [&](const sql::Row& row) {
    uids.push_back(static_cast<std::uint32_t>(row.integer(0)));
    totals.add(row, 1, 2);
  };
  tx.each(
      "select uid, flags, size from vanished where account_id = $1 and mailbox_id = $2 "
      "and message_id is not null and expunged_at >= $3 order by uid",
      take, account_id, mailbox_id, since);
  if (uids.empty()) return 0;
  auto modseq = next_modseq(tx, account_id);
  auto last_uid = tx.first<std::uint32_t>(
      "update mailbox set uidnext = uidnext + $3 where account_id = $1 and id = $2 "
      "and deleted_at is null returning uidnext",
      account_id, mailbox_id, totals.messages);
  if (!last_uid) return 0;
  auto uid = *last_uid - static_cast<std::uint32_t>(uids.size());
  for (auto old_uid : uids) {
    tx.run(
        "insert into placement (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, "
        "size, saved_at, pop3_seq, pop3_uidl, pop3_size) "
        "select account_id, mailbox_id, $4, message_id, flags, keywords, $5, size, expunged_at, "
        "pop3_seq, pop3_uidl, pop3_size from vanished "
        "where account_id = $1 and mailbox_id = $2 and uid = $3",
        account_id, mailbox_id, old_uid, uid++, modseq);
    tx.run(
        "update vanished set message_id = null "
        "where account_id = $1 and mailbox_id = $2 and uid = $3",
        account_id, mailbox_id, old_uid);
  }
  count_all(tx, account_id, mailbox_id, modseq, totals, 1);
  return static_cast<int>(totals.messages);
}

Purged purge_expunged(sql::Tx& tx, Time before, int limit) {
  struct Gone {
    std::int64_t account_id, mailbox_id, uid, message_id;
  };
  std::vector<Gone> gone;
  auto take = [&](const sql::Row& row) {
    gone.push_back({row.integer(0), row.integer(1), row.integer(2), row.integer(3)});
  };
  tx.each(
      "select account_id, mailbox_id, uid, message_id from vanished "
      "where expunged_at < $1 and message_id is not null order by expunged_at limit $2",
      take, before, limit);
  Purged purged;
  for (const auto& one : gone) {
    tx.run(
        "update vanished set message_id = null "
        "where account_id = $1 and mailbox_id = $2 and uid = $3",
        one.account_id, one.mailbox_id, one.uid);
    auto blob_id = tx.first<std::int64_t>(
        "delete from message where account_id = $1 and id = $2 returning blob_id", one.account_id,
        one.message_id);
    ++purged.messages;
    if (!blob_id) continue;
    if (auto free = drop_blob(tx, *blob_id)) purged.bodies.push_back(*free);
  }
  return purged;
}

}  // namespace todoke::store
