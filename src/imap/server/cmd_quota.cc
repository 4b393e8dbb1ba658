#include "imap/server/session.h"
#include "imap/syntax/writer.h"
#include "store/store.h"

#include <fmt/format.h>

namespace todoke::imap {
namespace {

constexpr std::string_view root = "account";

}  // namespace

// RFC 9208 §4.2.2.  STORAGE counts in units of 1024 octets.
Task<> Session::write_quota(std::int64_t limit) {
  auto used = co_await server_.store.used_bytes(principal_->account_id);
  untagged(fmt::format("QUOTA {} (STORAGE {} {})", root, (used + 1023) / 1024, limit / 1024));
}

// RFC 9208 §4.1.1.
Task<Reply> Session::handle(GetQuota command) {
  auto limits = co_await quota();
  if (command.root != root || !limits.account_bytes)
    co_return no("[NONEXISTENT] There is no such quota root");
  co_await write_quota(*limits.account_bytes);
  co_return ok("That is the quota");
}

// RFC 9208 §4.1.2.  One quota for all mailboxes of an account, if it has a limit.
Task<Reply> Session::handle(GetQuotaRoot command) {
  auto info = co_await find_mailbox(std::move(command.mailbox));
  if (!info) co_return no(info.error());
  std::string name;
  write_mailbox(name, info->name, name_form());
  auto limits = co_await quota();
  if (!limits.account_bytes) {
    untagged("QUOTAROOT " + name);
    co_return ok("There is no limit");
  }
  untagged(fmt::format("QUOTAROOT {} {}", name, root));
  co_await write_quota(*limits.account_bytes);
  co_return ok("That is the quota");
}

// RFC 9208 §4.1.3.
Task<Reply> Session::handle(SetQuota) {
  co_return no("[NOPERM] Quotas are set by the administrator");
}

}  // namespace todoke::imap
