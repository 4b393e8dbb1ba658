#include "store/mailbox_row.h"

#define MAILBOX_COLUMNS                                                                            \
  "id, name, role, uidvalidity, uidnext, highestmodseq, message_count, unseen_count, size_bytes, " \
  "subscribed, deleted_at, keywords"

namespace todoke::store {
namespace {

MailboxInfo read_info(const sql::Row& row) {
  return {.id = row.integer(0),
          .name = row.get<std::string>(1),
          .role = role_from_name(row.text(2)),
          .uidvalidity = row.get<std::uint32_t>(3),
          .uidnext = row.get<std::uint32_t>(4),
          .highestmodseq = row.integer(5),
          .message_count = row.integer(6),
          .unseen_count = row.integer(7),
          .size_bytes = row.integer(8),
          .subscribed = row.get<bool>(9),
          .deleted_at = row.get<std::optional<Time>>(10),
          .keywords = row.get<std::string>(11)};
}

}  // namespace

std::vector<MailboxInfo> list_mailboxes(sql::Tx& tx, std::int64_t account_id, bool with_deleted) {
  std::vector<MailboxInfo> found;
  auto take = [&](const sql::Row& row) { found.push_back(read_info(row)); };
  tx.each("select " MAILBOX_COLUMNS
          " from mailbox where account_id = $1 and (deleted_at is null or $2 = 1) order by id",
          take, account_id, with_deleted);
  return found;
}

std::optional<MailboxInfo> find_mailbox(sql::Tx& tx, std::int64_t account_id,
                                        std::int64_t mailbox_id) {
  std::optional<MailboxInfo> found;
  auto take = [&](const sql::Row& row) { found = read_info(row); };
  tx.each("select " MAILBOX_COLUMNS
          " from mailbox where account_id = $1 and id = $2 and deleted_at is null",
          take, account_id, mailbox_id);
  return found;
}

}  // namespace todoke::store
