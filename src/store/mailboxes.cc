// Mailboxes as administration sees them: list, create, delete, restore, export.
#include "store/expunge.h"
#include "store/import.h"
#include "store/store.h"

#include <algorithm>

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
          .deleted_at = row.get<std::optional<Time>>(10)};
}

// A name as every face can show it: UTF-8 text of 1 to 255 bytes, without controls, levels not
// empty.
Result<> check_name(std::string_view name) {
  if (name.empty() || name.size() > 255)
    return fail(Errc::invalid, "a mailbox name has 1 to 255 bytes");
  if (std::ranges::any_of(name,
                          [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }))
    return fail(Errc::invalid, "a mailbox name has no control characters");
  if (name.starts_with('/') || name.ends_with('/') || name.find("//") != name.npos)
    return fail(Errc::invalid, "no level of a mailbox name is empty");
  return {};
}

// A UIDVALIDITY that no earlier mailbox of the account had, so that a name used again is not taken
// for the old mailbox.  RFC 9051 §2.3.1.1.
std::int64_t fresh_uidvalidity(sql::Tx& tx, std::int64_t account_id, Time now) {
  auto last = tx.first<std::int64_t>(
      "select coalesce(max(uidvalidity), 0) from mailbox where account_id = $1", account_id);
  return std::max(last.value_or(0) + 1, to_micros(now) / 1'000'000);
}

}  // namespace

Task<std::vector<MailboxInfo>> Store::mailboxes(std::int64_t account_id, bool with_deleted) {
  auto query = [&](sql::Tx& tx) {
    std::vector<MailboxInfo> found;
    auto take = [&](const sql::Row& row) { found.push_back(read_info(row)); };
    tx.each(
        "select id, name, role, uidvalidity, uidnext, highestmodseq, message_count, unseen_count, "
        "size_bytes, subscribed, deleted_at from mailbox "
        "where account_id = $1 and (deleted_at is null or $2 = 1) order by id",
        take, account_id, with_deleted);
    return found;
  };
  co_return co_await db_.read(query);
}

Task<Result<MailboxInfo>> Store::create_mailbox(std::int64_t account_id, std::string name) {
  CO_TRY_OK(check_name(name));
  auto now = clock_.now();
  auto work = [&](sql::Tx& tx) -> Result<MailboxInfo> {
    auto taken = tx.first<std::int64_t>(
        "select id from mailbox where account_id = $1 and name = $2 and deleted_at is null",
        account_id, name);
    if (taken) return fail(Errc::conflict, "there is a mailbox of this name already");
    auto id = tx.first<std::int64_t>(
        "update mail_account set next_mailbox_id = next_mailbox_id + 1, modseq = modseq + 1 "
        "where account_id = $1 returning next_mailbox_id - 1",
        account_id);
    if (!id) return fail(Errc::not_found, "no such account");
    auto uidvalidity = fresh_uidvalidity(tx, account_id, now);
    tx.run(
        "insert into mailbox (account_id, id, name, role, uidvalidity, uidnext, highestmodseq, "
        "message_count, unseen_count, size_bytes, pop3_next_seq, subscribed, created_at) "
        "values ($1, $2, $3, null, $4, 1, 1, 0, 0, 0, 1, 1, $5)",
        account_id, *id, name, uidvalidity, now);
    return MailboxInfo{.id = *id,
                       .name = name,
                       .uidvalidity = static_cast<std::uint32_t>(uidvalidity),
                       .uidnext = 1,
                       .highestmodseq = 1};
  };
  auto made = co_await db_.write(work);
  if (made) hub_.publish({.account_id = account_id});
  co_return made;
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

Task<Result<int>> Mailbox::expunge(std::vector<std::uint32_t> uids) {
  if ((rights_ & right_expunge) == 0) co_return fail(Errc::denied, "this mailbox is read-only");
  auto& store = *store_;
  auto now = store.clock_.now();
  auto work = [&](sql::Tx& tx) { return store::expunge(tx, account_id_, mailbox_id_, uids, now); };
  auto gone = co_await store.db_.write(work);
  if (gone > 0) store.hub_.publish({.account_id = account_id_, .mailbox_id = mailbox_id_});
  co_return gone;
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
