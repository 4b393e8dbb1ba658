#include "imap/server/session.h"
#include "store/store.h"

namespace todoke::imap {

// RFC 9051 §6.3.7.  Only what exists can be subscribed; it stays so for as long as a deleted
// mailbox can be restored.
Task<Reply> Session::handle(Subscribe command) {
  auto name = name_from_wire(command.mailbox, name_form());
  if (!name) co_return no("[NONEXISTENT] There is no such mailbox");
  auto done = co_await server_.store.set_subscribed(principal_->account_id, *std::move(name), true);
  if (!done) co_return no(done.error());
  co_return ok("Subscribed");
}

// RFC 9051 §6.3.8.
Task<Reply> Session::handle(Unsubscribe command) {
  auto name = name_from_wire(command.mailbox, name_form());
  if (!name) co_return no("[NONEXISTENT] There is no such mailbox");
  auto done =
      co_await server_.store.set_subscribed(principal_->account_id, *std::move(name), false);
  if (!done) co_return no(done.error());
  co_return ok("Unsubscribed");
}

}  // namespace todoke::imap
