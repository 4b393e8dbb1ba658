#include "imap/server/session.h"

namespace todoke::imap {

// RFC 9051 §6.3.10.
Task<Reply> Session::handle(Namespace) {
  untagged("NAMESPACE ((\"\" \"/\")) NIL NIL");
  co_return ok("One namespace, yours");
}

}  // namespace todoke::imap
