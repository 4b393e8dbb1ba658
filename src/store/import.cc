#include "store/import.h"

namespace todoke::store {
namespace {

bool remember(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
              std::string_view source) {
  return source.empty() ||
         tx.run(
             "insert into import_source (account_id, mailbox_id, source) values ($1, $2, $3) "
             "on conflict do nothing",
             account_id, mailbox_id, sql::Bytes{source}) == 1;
}

// The mailbox that the image may replace: never used, and of its name or, if nobody has the name,
// of its role.
struct Present {
  std::int64_t id;
  bool unused;
};
std::optional<Present> find_present(sql::Tx& tx, std::int64_t account_id,
                                    const MailboxImage& image) {
  auto take = [](const auto& row) { return Present{std::get<0>(row), std::get<1>(row) == 1}; };
  auto named = tx.first<std::int64_t, std::int64_t>(
      "select id, uidnext from mailbox where account_id = $1 and name = $2 and deleted_at is null",
      account_id, image.name);
  if (named) return take(*named);
  if (image.role == Role::none) return {};
  auto same_role = tx.first<std::int64_t, std::int64_t>(
      "select id, uidnext from mailbox where account_id = $1 and role = $2 and deleted_at is null",
      account_id, role_name(image.role));
  if (same_role && std::get<1>(*same_role) == 1) return take(*same_role);
  return {};
}

}  // namespace

Result<int> import_messages(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                            std::span<const Imported> messages, const Quota& quota) {
  int taken = 0;
  for (const auto& one : messages) {
    if (!remember(tx, account_id, mailbox_id, one.source)) continue;
    TRY_OK(append(tx, account_id, mailbox_id, one.message, quota));
    insert_blob(tx, one.message.blob_id, one.body, 1);
    ++taken;
  }
  return taken;
}

std::unordered_set<std::string> imported_sources(sql::Tx& tx, std::int64_t account_id,
                                                 std::int64_t mailbox_id) {
  std::unordered_set<std::string> found;
  auto take = [&](const sql::Row& row) { found.emplace(row.text(0)); };
  tx.each("select source from import_source where account_id = $1 and mailbox_id = $2", take,
          account_id, mailbox_id);
  return found;
}

std::vector<std::pair<std::int64_t, MailboxImage>> mailbox_images(sql::Tx& tx,
                                                                  std::int64_t account_id) {
  std::vector<std::pair<std::int64_t, MailboxImage>> found;
  auto take = [&](const sql::Row& row) {
    found.emplace_back(row.integer(0), MailboxImage{.name = row.get<std::string>(1),
                                                    .role = role_from_name(row.text(2)),
                                                    .uidvalidity = row.get<std::uint32_t>(3),
                                                    .uidnext = row.get<std::uint32_t>(4),
                                                    .pop3_next_seq = row.integer(5),
                                                    .subscribed = row.get<bool>(6)});
  };
  tx.each(
      "select id, name, role, uidvalidity, uidnext, pop3_next_seq, subscribed from mailbox "
      "where account_id = $1 and deleted_at is null order by id",
      take, account_id);
  return found;
}

std::vector<MessageImage> message_images(sql::Tx& tx, std::int64_t account_id,
                                         std::int64_t mailbox_id, std::uint32_t after, int limit) {
  std::vector<MessageImage> found;
  auto take = [&](const sql::Row& row) {
    found.push_back({.id = row.integer(0),
                     .uid = row.get<std::uint32_t>(1),
                     .flags = row.get<unsigned>(2),
                     .keywords = row.get<std::string>(3),
                     .internal_date = row.get<Time>(4),
                     .pop3_uidl = row.get<std::string>(5),
                     .pop3_seq = row.integer(6),
                     .pop3_size = row.get<std::optional<std::int64_t>>(7),
                     .body = {.segment = row.get<std::uint64_t>(8),
                              .offset = row.get<std::uint64_t>(9),
                              .stored = row.get<std::uint64_t>(10),
                              .size = row.get<std::uint64_t>(11)}});
  };
  tx.each(
      "select p.message_id, p.uid, p.flags, p.keywords, m.internal_date, p.pop3_uidl, p.pop3_seq, "
      "p.pop3_size, b.segment, b.position, b.stored, b.size from placement p "
      "join message m on m.account_id = p.account_id and m.id = p.message_id "
      "join blob b on b.id = m.blob_id "
      "where p.account_id = $1 and p.mailbox_id = $2 and p.uid > $3 order by p.uid limit $4",
      take, account_id, mailbox_id, after, limit);
  return found;
}

Result<std::int64_t> begin_mailbox(sql::Tx& tx, std::int64_t account_id, const MailboxImage& image,
                                   Time now) {
  if (auto present = find_present(tx, account_id, image)) {
    if (!present->unused)
      return fail(Errc::conflict, "there is a mailbox " + image.name + " with mail in it");
    tx.run(
        "update mailbox set name = $3, uidvalidity = $4, subscribed = $5 "
        "where account_id = $1 and id = $2",
        account_id, present->id, image.name, image.uidvalidity, image.subscribed);
    return present->id;
  }
  auto id = tx.first<std::int64_t>(
      "update mail_account set next_mailbox_id = next_mailbox_id + 1, modseq = modseq + 1 "
      "where account_id = $1 returning next_mailbox_id - 1",
      account_id);
  if (!id) return fail(Errc::not_found, "no such account");
  tx.run(
      "insert into mailbox (account_id, id, name, role, uidvalidity, uidnext, highestmodseq, "
      "message_count, unseen_count, size_bytes, pop3_next_seq, subscribed, created_at) "
      "values ($1, $2, $3, null, $4, 1, 1, 0, 0, 0, 1, $5, $6)",
      account_id, *id, image.name, image.uidvalidity, image.subscribed, now);
  return *id;
}

void finish_mailbox(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                    const MailboxImage& image) {
  tx.run(
      "update mailbox set uidnext = case when uidnext < $3 then $3 else uidnext end, "
      "pop3_next_seq = case when pop3_next_seq < $4 then $4 else pop3_next_seq end "
      "where account_id = $1 and id = $2",
      account_id, mailbox_id, image.uidnext, image.pop3_next_seq);
}

}  // namespace todoke::store
