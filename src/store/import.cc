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
