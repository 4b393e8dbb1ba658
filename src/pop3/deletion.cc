#include "base/log.h"
#include "pop3/session.h"

#include <fmt/format.h>

namespace todoke::pop3 {

// RFC 1939 §5.
Task<> Session::handle(Dele command) {
  auto& t = *transaction_;
  if (t.principal.pop3_read_only) {
    error("This mailbox is read-only, nothing can be deleted");
    co_return;
  }
  auto index = index_of(command.message);
  if (!index) co_return;
  if (t.deleted.empty()) t.deleted.resize(t.drop->entries().size());
  t.deleted[*index] = true;
  ++t.deleted_count;
  t.deleted_octets += t.drop->entries()[*index].pop3_size;
  ok(fmt::format("Message {} is marked as deleted", command.message));
}

// RFC 1939 §5.
Task<> Session::handle(Rset) {
  auto& t = *transaction_;
  t.deleted.clear();
  t.deleted_count = 0;
  t.deleted_octets = 0;
  ok("Nothing is marked as deleted any more");
  co_return;
}

// RFC 1939 §6: the UPDATE state.  Positive only when the deletions are durable; a message that
// another session deleted meanwhile is passed over.
Task<> Session::handle(Quit) {
  over_ = true;
  if (!transaction_ || transaction_->deleted_count == 0) {
    ok("Bye");
    co_return;
  }
  auto& t = *transaction_;
  std::vector<std::uint32_t> uids;
  uids.reserve(t.deleted_count);
  const auto& entries = t.drop->entries();
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (t.deleted[i]) uids.push_back(entries[i].uid);
  auto gone = co_await t.mailbox.expunge(std::move(uids));
  if (!gone) {
    log::error("pop3.expunge",
               {{"session", id_}, {"login", t.principal.login}, {"reason", gone.error().text}});
    error("[SYS/TEMP] The messages could not be deleted; all of them are kept");
    co_return;
  }
  expunged_ = static_cast<std::uint64_t>(*gone);
  ok(fmt::format("{} messages deleted, bye", t.deleted_count));
}

}  // namespace todoke::pop3
