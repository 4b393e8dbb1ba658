#include "imap/server/session.h"

namespace todoke::imap {

// RFC 9051 §6.1.1.
Task<Reply> Session::handle(Capability) {
  untagged(capabilities());
  co_return ok("That is what we can do");
}

}  // namespace todoke::imap
