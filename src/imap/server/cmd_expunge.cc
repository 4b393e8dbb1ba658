#include "imap/server/session.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {

// RFC 9051 §6.4.3, RFC 4315 §2.1, RFC 7162 §3.2.7.  Which ones went, tell_news() says.
Task<Reply> Session::handle(Expunge command) {
  std::optional<std::vector<IndexRange>> among;
  if (command.uids) {
    auto ranges = selected_->messages(*command.uids, Numbers::uid);
    if (!ranges) co_return bad(ranges.error().text);
    among = *std::move(ranges);
  }
  auto gone = co_await expunge_deleted(std::move(among));
  if (!gone) co_return no(gone.error());
  auto reply = ok(fmt::format("{} messages removed", *gone));
  reply.tells_mod_seq = *gone > 0;
  co_return reply;
}

// Removes what is marked \Deleted, also by others and a moment ago.
Task<Result<int>> Session::expunge_deleted(std::optional<std::vector<IndexRange>> among) {
  auto ranges = among ? selected_->uid_ranges(*among) : std::vector<store::UidRange>{};
  auto view = co_await selected_->live->latest();
  std::vector<std::uint32_t> uids;
  for (std::size_t i = 0; i < view->size(); ++i) {
    auto message = (*view)[i];
    if ((message->flags & store::flag_deleted) == 0) continue;
    if (among && !contains(ranges, message->uid)) continue;
    uids.push_back(message->uid);
  }
  if (uids.empty()) co_return 0;
  co_return co_await selected_->mailbox.expunge(std::move(uids), store::flag_deleted);
}

}  // namespace todoke::imap
