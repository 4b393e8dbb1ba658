#include "imap/server/session.h"

#include <fmt/format.h>

namespace todoke::imap {

// RFC 9051 §6.4.1.  Nobody is told what went.
Task<Reply> Session::handle(Close) {
  if (!selected_->read_only) {
    auto gone = co_await expunge_deleted({});
    if (!gone) co_return no(gone.error());
  }
  selected_ = nullptr;
  co_return ok("Closed");
}

// RFC 9051 §6.4.2.
Task<Reply> Session::handle(Unselect) {
  selected_ = nullptr;
  co_return ok("Closed, nothing removed");
}

}  // namespace todoke::imap
