#include "imap/server/session.h"
#include "imap/syntax/writer.h"
#include "store/store.h"

#include <fmt/format.h>

namespace todoke::imap {
namespace {

constexpr std::string_view root = "account";

}  // namespace

// RFC 9208 §4.2.2.  STORAGE counts in units of 1024 octets.
Task<> Session::write_quota() {
  auto limits = co_await quota();
  auto used = co_await server_.store.used_bytes(principal_->account_id);
  if (limits.account_bytes)
    untagged(fmt::format("QUOTA {} (STORAGE {} {})", root, (used + 1023) / 1024,
                         *limits.account_bytes / 1024));
  else
    untagged(fmt::format("QUOTA {} ()", root));
}

// RFC 9208 §4.1.1.
Task<Reply> Session::handle(GetQuota command) {
  if (command.root != root) co_return no("[NONEXISTENT] There is no such quota root");
  co_await write_quota();
  co_return ok("That is the quota");
}

// RFC 9208 §4.1.2.  One quota for all mailboxes of an account.
Task<Reply> Session::handle(GetQuotaRoot command) {
  auto info = co_await find_mailbox(std::move(command.mailbox));
  if (!info) co_return no(info.error());
  std::string name;
  write_mailbox(name, info->name, name_form());
  untagged(fmt::format("QUOTAROOT {} {}", name, root));
  co_await write_quota();
  co_return ok("That is the quota");
}

// RFC 9208 §4.1.3.
Task<Reply> Session::handle(SetQuota) {
  co_return no("[NOPERM] Quotas are set by the administrator");
}

}  // namespace todoke::imap
