// Making, finding and renaming mailboxes.
#include "store/account_row.h"
#include "store/copy.h"
#include "store/mailbox_row.h"
#include "store/store.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace todoke::store {
namespace {

constexpr std::size_t max_name = 1024;
constexpr std::size_t max_level = 255;
constexpr std::ptrdiff_t max_levels = 64;
constexpr std::int64_t max_mailboxes = 10'000;

// A name as every face can show it: UTF-8 text, without controls, levels not empty.
Result<> check_name(std::string_view name) {
  if (name.empty() || name.size() > max_name)
    return fail(Errc::invalid, "a mailbox name has 1 to 1024 bytes");
  auto is_control = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
  if (std::ranges::any_of(name, is_control))
    return fail(Errc::invalid, "a mailbox name has no control characters");
  if (std::ranges::count(name, '/') >= max_levels)
    return fail(Errc::invalid, "a mailbox name has at most 64 levels");
  while (true) {
    auto level = name.substr(0, name.find('/'));
    if (level.empty()) return fail(Errc::invalid, "no level of a mailbox name is empty");
    if (level.size() > max_level)
      return fail(Errc::invalid, "a level of a mailbox name has at most 255 bytes");
    if (level.size() == name.size()) return {};
    name.remove_prefix(level.size() + 1);
  }
}

std::optional<std::int64_t> id_of(sql::Tx& tx, std::int64_t account_id, std::string_view name) {
  return tx.first<std::int64_t>(
      "select id from mailbox where account_id = $1 and name = $2 and deleted_at is null",
      account_id, name);
}

Result<> check_free(sql::Tx& tx, std::int64_t account_id, std::string_view name) {
  if (id_of(tx, account_id, name))
    return fail(Errc::conflict, "there is a mailbox of this name already");
  return {};
}

Result<> check_role(sql::Tx& tx, std::int64_t account_id, Role role) {
  if (role == Role::none) return {};
  auto taken = tx.first<std::string>(
      "select name from mailbox where account_id = $1 and role = $2 and deleted_at is null",
      account_id, role_name(role));
  if (taken) return fail(Errc::denied, "another mailbox has this use: " + *taken);
  return {};
}

Result<MailboxInfo> insert_mailbox(sql::Tx& tx, std::int64_t account_id, const NewMailbox& wanted,
                                   Time now) {
  TRY_OK(check_free(tx, account_id, wanted.name));
  TRY_OK(check_role(tx, account_id, wanted.role));
  auto count = tx.first<std::int64_t>(
      "select count(*) from mailbox where account_id = $1 and deleted_at is null", account_id);
  if (count.value_or(0) >= max_mailboxes)
    return fail(Errc::too_many, "this account has 10000 mailboxes");
  auto claimed = tx.first<std::int64_t, std::int64_t>(
      "update mail_account set next_mailbox_id = next_mailbox_id + 1, modseq = modseq + 1 "
      "where account_id = $1 returning next_mailbox_id - 1, modseq",
      account_id);
  if (!claimed) return fail(Errc::not_found, "no such account");
  auto [id, modseq] = *claimed;
  auto uidvalidity = fresh_uidvalidity(tx, account_id, now);
  std::optional<std::string_view> role;
  if (wanted.role != Role::none) role = role_name(wanted.role);
  tx.run(
      "insert into mailbox (account_id, id, name, role, uidvalidity, uidnext, highestmodseq, "
      "message_count, unseen_count, size_bytes, pop3_next_seq, subscribed, created_at) "
      "values ($1, $2, $3, $4, $5, 1, $6, 0, 0, 0, 1, $7, $8)",
      account_id, id, wanted.name, role, uidvalidity, modseq, wanted.subscribed, now);
  return *find_mailbox(tx, account_id, id);
}

// Gives one mailbox another name.
Result<> rename_one(sql::Tx& tx, std::int64_t account_id, std::int64_t id, std::string_view to) {
  TRY_OK(check_name(to));
  TRY_OK(check_free(tx, account_id, to));
  tx.run("update mailbox set name = $3 where account_id = $1 and id = $2", account_id, id, to);
  return {};
}

// Ids and names of what is below a name.
std::vector<std::pair<std::int64_t, std::string>> below(sql::Tx& tx, std::int64_t account_id,
                                                        const std::string& name) {
  std::vector<std::pair<std::int64_t, std::string>> found;
  for (auto& mailbox : list_mailboxes(tx, account_id, false))
    if (mailbox.name.starts_with(name + "/"))
      found.emplace_back(mailbox.id, std::move(mailbox.name));
  return found;
}

}  // namespace

Task<Result<Store::Opened>> Store::open(Principal principal, std::string name, Rights needed) {
  auto account_id = principal.account_id;
  auto found = co_await find_mailbox(account_id, std::move(name));
  if (!found) co_return fail(Errc::not_found, "there is no such mailbox");
  co_return Opened{Mailbox(*this, account_id, found->id, needed), *std::move(found)};
}

// RFC 9051 §5.1 wants Net-Unicode: macOS sends decomposed names, everyone else composed ones, and
// both shall find the same mailbox.
std::string composed_name(const std::string& name) {
  if (std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) < 128; }))
    return name;
  auto status = U_ZERO_ERROR;
  const auto* nfc = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status)) return name;
  std::string out;
  nfc->normalize(icu::UnicodeString::fromUTF8(name), status).toUTF8String(out);
  return U_FAILURE(status) ? name : out;
}

Task<std::optional<MailboxInfo>> Store::find_mailbox(std::int64_t account_id, std::string name) {
  auto query = [&](sql::Tx& tx) {
    auto id = id_of(tx, account_id, name);
    if (!id) id = id_of(tx, account_id, composed_name(name));
    return id ? store::find_mailbox(tx, account_id, *id) : std::nullopt;
  };
  co_return co_await db_.read(query);
}

Task<Result<MailboxInfo>> Store::create_mailbox(std::int64_t account_id, NewMailbox wanted) {
  CO_TRY_OK(check_name(wanted.name));
  wanted.name = composed_name(wanted.name);
  auto now = clock_.now();
  auto work = [&](sql::Tx& tx) { return insert_mailbox(tx, account_id, wanted, now); };
  auto tell = [&] { hub_.publish({.account_id = account_id}); };
  co_return co_await db_.write(work, tell);
}

Task<Result<>> Store::rename_mailbox(std::int64_t account_id, std::string from, std::string to) {
  CO_TRY_OK(check_name(to));
  to = composed_name(to);
  if (to.starts_with(from + "/")) co_return fail(Errc::invalid, "a mailbox cannot go below itself");
  auto now = clock_.now();
  Copied moved;
  std::int64_t target = 0;
  auto work = [&](sql::Tx& tx) -> Result<> {
    auto id = id_of(tx, account_id, from);
    if (!id) id = id_of(tx, account_id, from = composed_name(from));
    auto children = below(tx, account_id, from);
    if (!id && children.empty()) return fail(Errc::not_found, "there is no such mailbox");
    if (id == inbox_id) {
      TRY(auto made, insert_mailbox(tx, account_id, {.name = to}, now));
      target = made.id;
      const UidRange all{1, UINT32_MAX};
      TRY(moved, move_messages(tx, account_id, inbox_id, {&all, 1}, target, now));
      return {};
    }
    TRY_OK(check_free(tx, account_id, to));
    if (id) TRY_OK(rename_one(tx, account_id, *id, to));
    for (const auto& [child, name] : children)
      TRY_OK(rename_one(tx, account_id, child, to + name.substr(from.size())));
    return {};
  };
  auto tell = [&] {
    hub_.publish({.account_id = account_id});
    if (moved.uids.empty()) return;
    auto delta = std::make_shared<const Delta>(moved.source);
    hub_.publish({account_id, inbox_id, moved.modseq, std::move(delta)});
  };
  co_return co_await db_.write(work, tell);
}

Task<Result<>> Store::set_subscribed(std::int64_t account_id, std::string name, bool subscribed) {
  auto work = [&](sql::Tx& tx) {
    // Deleted ones can only be unsubscribed.
    auto set = [&](const std::string& spelled) {
      return tx.run(
          "update mailbox set subscribed = $3 "
          "where account_id = $1 and name = $2 and (deleted_at is null or $3 = 0)",
          account_id, spelled, subscribed);
    };
    auto changed = set(name);
    return changed > 0 ? changed : set(composed_name(name));
  };
  auto changed = co_await db_.write(work);
  if (changed == 0) co_return fail(Errc::not_found, "there is no such mailbox");
  co_return Result<>{};
}

Task<std::int64_t> Store::used_bytes(std::int64_t account_id) {
  auto query = [&](sql::Tx& tx) {
    return tx.first<std::int64_t>("select used_bytes from mail_account where account_id = $1",
                                  account_id);
  };
  auto used = co_await db_.read(query);
  co_return used.value_or(0);
}

}  // namespace todoke::store
