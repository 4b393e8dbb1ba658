#include "imap/server/session.h"

namespace todoke::imap {

// RFC 9051 §6.1.2.
Task<Reply> Session::handle(Noop) {
  co_return ok("Nothing done");
}

// RFC 3501 §6.4.1.  All that was acknowledged is on disk anyway.
Task<Reply> Session::handle(Check) {
  co_return ok("Everything is in order");
}

}  // namespace todoke::imap
