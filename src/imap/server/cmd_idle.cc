#include "base/ascii.h"
#include "imap/server/session.h"
#include "store/store.h"

namespace todoke::imap {

// RFC 2177.  Whatever any door does to the mailbox is told at once.
Task<Reply> Session::handle(Idle) {
  io_.write("+ idling\r\n");
  store::Hub::Subscription subscription;
  if (selected_) {
    auto listener = [bell = io_.bell(), id = selected_->mailbox.id()](const store::Change& change) {
      if (change.mailbox_id == id) bell->ring();
    };
    subscription = server_.store.hub().subscribe(principal_->account_id, std::move(listener));
  }
  io_.set_deadline(server_.limits.idle);
  while (io_.buffered().find('\n') == std::string_view::npos) {
    // After the subscription: what happened before it is told now.
    if (selected_) co_await tell_news(News::all);
    io_.set_interruptible(true);
    co_await io_.fill_or_bell();
    io_.set_interruptible(false);
    if (signed_out()) co_return Reply{.kind = Reply::Kind::said, .text = {}};
    if (io_.buffered().size() > max_before_login) co_return bad("DONE was expected");
  }
  auto line = io_.buffered().substr(0, io_.buffered().find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  // Anything else is left to be read as a command, with the literal that may follow it.
  if (!ascii::equal_ignoring_case(line, "DONE")) co_return bad("DONE was expected");
  io_.consume(io_.buffered().find('\n') + 1);
  co_return ok("Back at work");
}

}  // namespace todoke::imap
