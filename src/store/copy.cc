#include "store/copy.h"

#include "store/account_row.h"

#include <map>
#include <optional>
#include <string>

namespace todoke::store {
namespace {

// A placement on its way.
struct Row {
  std::uint32_t uid;
  std::int64_t message_id;
  unsigned flags;
  std::string keywords;
  std::int64_t size;
  std::int64_t pop3_seq;
  std::string pop3_uidl;
  std::optional<std::int64_t> pop3_size;
};

std::vector<Row> read_rows(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                           std::span<const UidRange> ranges) {
  std::vector<Row> rows;
  auto take = [&](const sql::Row& row) {
    rows.push_back({.uid = row.get<std::uint32_t>(0),
                    .message_id = row.integer(1),
                    .flags = row.get<unsigned>(2),
                    .keywords = row.get<std::string>(3),
                    .size = row.integer(4),
                    .pop3_seq = row.integer(5),
                    .pop3_uidl = row.get<std::string>(6),
                    .pop3_size = row.get<std::optional<std::int64_t>>(7)});
  };
  for (const auto& range : ranges)
    tx.each(
        "select uid, message_id, flags, keywords, size, pop3_seq, pop3_uidl, pop3_size "
        "from placement where account_id = $1 and mailbox_id = $2 and uid between $3 and $4 "
        "order by uid",
        take, account_id, mailbox_id, range.first, range.last);
  return rows;
}

struct Totals {
  std::int64_t messages = 0, unseen = 0, bytes = 0;
  explicit Totals(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
      ++messages;
      unseen += (row.flags & flag_seen) == 0 ? 1 : 0;
      bytes += row.size;
    }
  }
};

// The keywords as the target spells them.
Result<> respell(sql::Tx& tx, std::int64_t account_id, std::int64_t target,
                 std::vector<Row>& rows) {
  std::map<std::string, std::string> spelled;
  for (auto& row : rows) {
    if (row.keywords.empty()) continue;
    auto [at, is_new] = spelled.try_emplace(row.keywords);
    if (is_new) {
      std::vector<std::string> parts;
      for (auto part : split_keywords(row.keywords)) parts.emplace_back(part);
      TRY(at->second, learn_keywords(tx, account_id, target, parts));
    }
    row.keywords = at->second;
  }
  return {};
}

// The first of so many new UIDs and POP3 numbers of the target.
struct Room {
  std::uint32_t uidvalidity;
  std::uint32_t uid;
  std::int64_t pop3_seq;
};
Room claim(sql::Tx& tx, std::int64_t account_id, std::int64_t target, const Totals& totals,
           std::int64_t modseq) {
  auto row = tx.first<std::uint32_t, std::int64_t, std::int64_t>(
      "update mailbox set uidnext = uidnext + $3, pop3_next_seq = pop3_next_seq + $3, "
      "message_count = message_count + $3, unseen_count = unseen_count + $4, "
      "size_bytes = size_bytes + $5, highestmodseq = $6 where account_id = $1 and id = $2 "
      "returning uidvalidity, uidnext - $3, pop3_next_seq - $3",
      account_id, target, totals.messages, totals.unseen, totals.bytes, modseq);
  auto [uidvalidity, uid, pop3_seq] = *row;  // it was there a moment ago, in this transaction
  return {uidvalidity, static_cast<std::uint32_t>(uid), pop3_seq};
}

Result<> check_target(sql::Tx& tx, std::int64_t account_id, std::int64_t target) {
  auto found = tx.first<std::int64_t>(
      "select id from mailbox where account_id = $1 and id = $2 and deleted_at is null", account_id,
      target);
  if (!found) return fail(Errc::not_found, "no such mailbox");
  return {};
}

void place(sql::Tx& tx, std::int64_t account_id, std::int64_t target, const Row& row, Time now,
           Copied& outcome, std::uint32_t uid, std::int64_t message_id) {
  tx.run(
      "insert into placement (account_id, mailbox_id, uid, message_id, flags, keywords, modseq, "
      "size, saved_at, pop3_seq, pop3_uidl, pop3_size) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      account_id, target, uid, message_id, row.flags, row.keywords, outcome.modseq, row.size, now,
      row.pop3_seq, row.pop3_uidl, row.pop3_size);
  outcome.uids.emplace_back(row.uid, uid);
  outcome.target.placed.push_back({.message_id = message_id,
                                   .modseq = outcome.modseq,
                                   .size = static_cast<std::uint64_t>(row.size),
                                   .uid = uid,
                                   .flags = row.flags,
                                   .keywords = row.keywords});
}

void take_away(sql::Tx& tx, std::int64_t account_id, std::int64_t source, const Row& row, Time now,
               std::int64_t modseq) {
  // What is elsewhere now cannot be restored here: only the UID is remembered.
  tx.run(
      "insert into vanished (account_id, mailbox_id, uid, modseq, expunged_at, message_id, flags, "
      "keywords, size, pop3_seq, pop3_uidl, pop3_size) "
      "values ($1, $2, $3, $4, $5, null, 0, '', 0, 0, '', null)",
      account_id, source, row.uid, modseq, now);
  tx.run("delete from placement where account_id = $1 and mailbox_id = $2 and uid = $3", account_id,
         source, row.uid);
}

}  // namespace

Result<Copied> copy_messages(sql::Tx& tx, IdGenerator& ids, std::int64_t account_id,
                             std::int64_t source, std::span<const UidRange> ranges,
                             std::int64_t target, Time now, const Quota& quota) {
  TRY_OK(check_target(tx, account_id, target));
  auto rows = read_rows(tx, account_id, source, ranges);
  if (rows.empty()) return Copied{};
  const Totals totals(rows);
  TRY_OK(has_room(tx, account_id, totals.bytes, quota));
  TRY_OK(respell(tx, account_id, target, rows));
  Copied outcome{.modseq = next_modseq(tx, account_id)};
  auto room = claim(tx, account_id, target, totals, outcome.modseq);
  outcome.uidvalidity = room.uidvalidity;
  for (auto& row : rows) {
    auto id = ids.next();
    auto blob_id = tx.first<std::int64_t>(
        "insert into message (account_id, id, blob_id, size, internal_date, received_at, "
        "thread_id, origin, envelope, structure, preview) "
        "select account_id, $3, blob_id, size, internal_date, received_at, thread_id, origin, "
        "envelope, structure, preview from message where account_id = $1 and id = $2 "
        "returning blob_id",
        account_id, row.message_id, id);
    tx.run("update blob set refs = refs + 1 where id = $1", blob_id.value_or(0));
    row.pop3_uidl = id_text(id);
    row.pop3_seq = room.pop3_seq++;
    place(tx, account_id, target, row, now, outcome, room.uid++, id);
  }
  count(tx, account_id, {.bytes = totals.bytes, .messages = totals.messages});
  return outcome;
}

Result<Copied> move_messages(sql::Tx& tx, std::int64_t account_id, std::int64_t source,
                             std::span<const UidRange> ranges, std::int64_t target, Time now) {
  TRY_OK(check_target(tx, account_id, target));
  auto rows = read_rows(tx, account_id, source, ranges);
  if (rows.empty()) return Copied{};
  const Totals totals(rows);
  TRY_OK(respell(tx, account_id, target, rows));
  Copied outcome{.modseq = next_modseq(tx, account_id)};
  tx.run(
      "update mailbox set message_count = message_count - $3, unseen_count = unseen_count - $4, "
      "size_bytes = size_bytes - $5, highestmodseq = $6 where account_id = $1 and id = $2",
      account_id, source, totals.messages, totals.unseen, totals.bytes, outcome.modseq);
  auto room = claim(tx, account_id, target, totals, outcome.modseq);
  outcome.uidvalidity = room.uidvalidity;
  for (auto& row : rows) {
    take_away(tx, account_id, source, row, now, outcome.modseq);
    outcome.source.gone.push_back(row.uid);
    row.pop3_seq = room.pop3_seq++;
    place(tx, account_id, target, row, now, outcome, room.uid++, row.message_id);
  }
  return outcome;
}

}  // namespace todoke::store
