#include "imap/server/session.h"
#include "net/tls.h"

namespace todoke::imap {

// RFC 9051 §6.2.1.  What came in plain text after the command is thrown away (mail-server rule R2).
// The tagged answer goes out before the handshake, so it is written here.
Task<Reply> Session::handle(StartTls) {
  auto context = server_.tls != nullptr ? server_.tls->current() : nullptr;
  if (io_.tls() != nullptr) co_return bad("TLS is active already");
  if (context == nullptr) co_return no("[UNAVAILABLE] TLS is not available here");
  finish(tag_, ok("Begin TLS"));
  co_await io_.start_tls(std::move(context));
  mistakes_ = 0;
  io_.set_deadline(server_.limits.before_login);
  co_return Reply{.kind = Reply::Kind::said, .text = {}};
}

}  // namespace todoke::imap
