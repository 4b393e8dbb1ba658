#include "imap/server/session.h"

namespace todoke::imap {

// RFC 9051 §6.1.3.
Task<Reply> Session::handle(Logout) {
  selected_ = nullptr;
  over_ = true;
  untagged("BYE See you");
  co_return ok("Logged out");
}

}  // namespace todoke::imap
