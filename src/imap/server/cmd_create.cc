#include "base/ascii.h"
#include "imap/server/session.h"
#include "imap/server/special_use.h"
#include "store/store.h"

#include <fmt/format.h>

namespace todoke::imap {

// RFC 9051 §6.3.4, RFC 6154 §3.
Task<Reply> Session::handle(Create command) {
  auto name = name_from_wire(command.mailbox, name_form());
  if (!name) co_return no("[CANNOT] This name is no text");
  // A separator at the end only says that children will follow.
  if (name->ends_with('/')) name->pop_back();
  auto role = store::Role::none;
  for (const auto& use : command.uses) {
    auto named = role_from_use(use);
    if (!named || role != store::Role::none)
      co_return no("[USEATTR] A mailbox has one use, of those that we know");
    role = *named;
  }
  store::NewMailbox wanted{.name = *std::move(name), .role = role, .subscribed = false};
  auto made = co_await server_.store.create_mailbox(principal_->account_id, std::move(wanted));
  if (!made && made.error().code == Errc::denied) co_return no("[USEATTR] " + made.error().text);
  if (!made) co_return no(made.error());
  co_return ok(fmt::format("[MAILBOXID ({})] Made", mailbox_id_text(made->id)));
}

}  // namespace todoke::imap
