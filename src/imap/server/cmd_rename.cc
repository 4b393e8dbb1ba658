#include "imap/server/session.h"
#include "store/store.h"

namespace todoke::imap {

// RFC 9051 §6.3.6.
Task<Reply> Session::handle(Rename command) {
  auto to = name_from_wire(command.to, name_form());
  if (!to) co_return no("[CANNOT] This name is no text");
  if (to->ends_with('/')) to->pop_back();
  auto from = name_from_wire(command.from, name_form());
  if (!from) co_return no("[NONEXISTENT] There is no such mailbox");
  auto renamed = co_await server_.store.rename_mailbox(principal_->account_id, *std::move(from),
                                                       *std::move(to));
  if (!renamed) co_return no(renamed.error());
  co_return ok("Renamed");
}

}  // namespace todoke::imap
