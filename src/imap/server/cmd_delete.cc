#include "imap/server/session.h"
#include "store/store.h"

namespace todoke::imap {

// RFC 9051 §6.3.5.  The mailbox can be restored for 30 days; who has it open keeps reading it.
// Names below it stay, and then it is listed as \NonExistent.
Task<Reply> Session::handle(Delete command) {
  auto info = co_await find_mailbox(std::move(command.mailbox));
  if (!info) co_return no(info.error());
  auto gone = co_await server_.store.delete_mailbox(principal_->account_id, info->id);
  if (!gone && gone.error().code == Errc::denied) co_return no("[CANNOT] " + gone.error().text);
  if (!gone) co_return no(gone.error());
  co_return ok("Deleted; the administrator can restore it for 30 days");
}

}  // namespace todoke::imap
