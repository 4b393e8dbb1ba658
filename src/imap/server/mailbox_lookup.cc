#include "directory/directory.h"
#include "imap/server/session.h"
#include "store/store.h"

#include <algorithm>

namespace todoke::imap {

// The mailbox of that name.  not_found with words for the client.
Task<Result<store::MailboxInfo>> Session::find_mailbox(WireName name) {
  auto text = name_from_wire(name, name_form());
  if (!text) co_return fail(Errc::not_found, "This name is no text");
  auto found = co_await server_.store.find_mailbox(principal_->account_id, *text);
  if (!found) co_return fail(Errc::not_found, "There is no such mailbox");
  co_return *std::move(found);
}

Task<Result<store::Store::Opened>> Session::open_mailbox(WireName name, store::Rights rights) {
  auto text = name_from_wire(name, name_form());
  if (!text) co_return fail(Errc::not_found, "This name is no text");
  auto opened = co_await server_.store.open(*principal_, *std::move(text), rights);
  if (!opened) co_return fail(Errc::not_found, "There is no such mailbox");
  co_return opened;
}

Task<Result<store::Mailbox>> Session::open_by_id(std::int64_t mailbox_id) {
  return server_.store.open(*principal_, mailbox_id, store::right_read);
}

Task<store::Quota> Session::quota() {
  auto limits = server_.directory.cached_limits(principal_->account_id);
  if (!limits) {
    auto asked = co_await server_.directory.limits(principal_->account_id);
    limits = asked.value_or(directory::QuotaLimits{});
  }
  co_return store::Quota{.account_bytes = limits->account_bytes,
                         .organisation_bytes = limits->organisation_bytes};
}

}  // namespace todoke::imap
