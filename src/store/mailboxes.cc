// Mailboxes as administration sees them: list, create, delete, restore, export.
#include "store/account_row.h"
#include "store/expunge.h"
#include "store/import.h"
#include "store/mailbox_row.h"
#include "store/store.h"

#include <algorithm>

namespace todoke::store {
namespace {}  // namespace

Task<std::vector<MailboxInfo>> Store::mailboxes(std::int64_t account_id, bool with_deleted) {
  auto query = [&](sql::Tx& tx) { return list_mailboxes(tx, account_id, with_deleted); };
  co_return co_await db_.read(query);
}

Task<Result<>> Store::delete_mailbox(std::int64_t account_id, std::int64_t mailbox_id) {
  if (mailbox_id == inbox_id) co_return fail(Errc::denied, "the INBOX cannot be deleted");
  auto now = clock_.now();
  auto work = [&](sql::Tx& tx) {
    return tx.run(
        "update mailbox set deleted_at = $3 "
        "where account_id = $1 and id = $2 and deleted_at is null",
        account_id, mailbox_id, now);
  };
  auto changed = co_await db_.write(work);
  if (changed == 0) co_return fail(Errc::not_found, "no such mailbox");
  hub_.publish({.account_id = account_id});
  co_return Result<>{};
}

Task<Result<>> Store::restore_mailbox(std::int64_t account_id, std::int64_t mailbox_id) {
  auto work = [&](sql::Tx& tx) -> Result<> {
    auto name = tx.first<std::string>(
        "select name from mailbox where account_id = $1 and id = $2 and deleted_at is not null",
        account_id, mailbox_id);
    if (!name) return fail(Errc::not_found, "no such deleted mailbox");
    auto taken = tx.first<std::int64_t>(
        "select id from mailbox where account_id = $1 and name = $2 and deleted_at is null",
        account_id, *name);
    if (taken)
      return fail(Errc::conflict, "a new mailbox has this name now; rename it first: " + *name);
    tx.run("update mailbox set deleted_at = null where account_id = $1 and id = $2", account_id,
           mailbox_id);
    return {};
  };
  auto restored = co_await db_.write(work);
  if (restored) hub_.publish({.account_id = account_id});
  co_return restored;
}

Task<std::int64_t> Store::organisation_bytes(std::int64_t organisation_id) {
  auto query = [&](sql::Tx& tx) {
    return tx.first<std::int64_t>(
        "select used_bytes from mail_organisation where organisation_id = $1", organisation_id);
  };
  auto used = co_await db_.read(query);
  co_return used.value_or(0);
}

Task<std::vector<Expunged>> Store::expunged(std::int64_t account_id, std::int64_t mailbox_id) {
  auto query = [&](sql::Tx& tx) {
    std::vector<Expunged> found;
    auto take = [&](const sql::Row& row) {
      found.push_back({row.integer(0), row.get<std::uint32_t>(1), row.integer(2), row.get<Time>(3),
                       row.get<std::string>(4)});
    };
    tx.each(
        "select v.mailbox_id, v.uid, v.size, v.expunged_at, m.preview from vanished v "
        "join message m on m.account_id = v.account_id and m.id = v.message_id "
        "where v.account_id = $1 and v.mailbox_id = $2 order by v.uid",
        take, account_id, mailbox_id);
    return found;
  };
  co_return co_await db_.read(query);
}

Task<Result<int>> Store::restore_expunged(std::int64_t account_id, std::int64_t mailbox_id,
                                          Time since) {
  auto work = [&](sql::Tx& tx) {
    return store::restore_expunged(tx, account_id, mailbox_id, since);
  };
  auto restored = co_await db_.write(work);
  if (restored > 0) hub_.publish({.account_id = account_id, .mailbox_id = mailbox_id});
  co_return restored;
}

Task<std::vector<MessageImage>> Store::messages(std::int64_t account_id, std::int64_t mailbox_id,
                                                std::uint32_t after, int limit) {
  auto query = [&](sql::Tx& tx) {
    return message_images(tx, account_id, mailbox_id, after, limit);
  };
  co_return co_await db_.read(query);
}

}  // namespace todoke::store
