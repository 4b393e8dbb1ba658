#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"
#include "imap/syntax/writer.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

constexpr std::int64_t read_at_once = 2000;  // messages; a fraction of a millisecond

}  // namespace

// RFC 9051 §6.3.2, §6.3.3, RFC 7162 §3.2.5.
Task<Reply> Session::handle(Select command) {
  if (command.qresync && !qresync_) co_return bad("ENABLE QRESYNC first");
  // RFC 9051 §7.1 CLOSED: what follows is of the new mailbox.
  if (std::exchange(selected_, nullptr)) untagged("OK [CLOSED] The previous mailbox is closed");
  store::Rights rights = store::right_read;
  if (!command.examine) rights |= store::right_insert | store::right_expunge | store::right_flags;
  auto opened = co_await open_mailbox(std::move(command.mailbox), rights);
  if (!opened) co_return no(opened.error());
  const auto& info = opened->info;
  auto live = opened->mailbox.live();
  auto view = live->cached();
  // A large mailbox that nobody has open is opened by its counters: the client has its answer while
  // we read who its messages are.
  if (!view && info.message_count <= read_at_once) view = co_await live->latest();
  Moment moment{static_cast<std::size_t>(info.message_count), info.uidnext, info.highestmodseq};
  if (view) moment = {view->size(), view->uidnext(), view->highestmodseq()};
  selected_ = std::make_unique<Selected>(Selected{.mailbox = opened->mailbox,
                                                  .live = std::move(live),
                                                  .seen = std::move(view),
                                                  .opened_at = moment,
                                                  .told_up_to = moment.highestmodseq,
                                                  .keywords = {},
                                                  .saved_result = {},
                                                  .read_only = command.examine});
  if (command.condstore || command.qresync) condstore_ = true;
  write_known_keywords(info.keywords);
  untagged(fmt::format("{} EXISTS", moment.count));
  if (!rev2_) write_unseen();
  untagged(fmt::format("OK [UIDVALIDITY {}] UIDs hold as long as this does", info.uidvalidity));
  untagged(fmt::format("OK [UIDNEXT {}] The next UID", moment.uidnext));
  untagged(fmt::format("OK [HIGHESTMODSEQ {}] The last change", moment.highestmodseq));
  untagged(fmt::format("OK [MAILBOXID ({})] Whatever its name", mailbox_id_text(info.id)));
  if (rev2_) {
    std::string name;
    write_mailbox(name, info.name, name_form());
    untagged("LIST () \"/\" " + name);
  }
  if (command.qresync && command.qresync->uid_validity == info.uidvalidity) {
    auto known = *std::move(command.qresync);
    co_await number_messages();
    co_await resynchronise(std::move(known));
  }
  co_return ok(command.examine ? "[READ-ONLY] Opened for reading" : "[READ-WRITE] Opened");
}

// What IMAP4rev2 has done away with.  RFC 3501 §6.3.1; a client that is not told the first unseen
// message searches for it.
void Session::write_unseen() {
  untagged("0 RECENT");
  if (!selected_->seen) return;
  const auto& view = *selected_->seen;
  for (std::size_t i = 0; i < view.size(); ++i)
    if ((view[i]->flags & store::flag_seen) == 0)
      return untagged(fmt::format("OK [UNSEEN {}] The first that is not seen", i + 1));
}

// Tells what happened since the client was here last.  RFC 7162 §3.2.5.1, §3.2.5.2.
Task<> Session::resynchronise(QuickResync known) {
  const auto& view = *selected_->seen;
  auto since = static_cast<std::int64_t>(std::min<std::uint64_t>(known.mod_seq, INT64_MAX));
  std::vector<SequenceSet::Range> ranges{{1, UINT32_MAX}};
  if (known.known_uids) ranges = known.known_uids->resolve(view.largest_uid());
  auto is_known = [&](std::uint32_t uid) { return contains(ranges, uid); };
  auto gone = co_await selected_->mailbox.vanished_since(since);
  // What went after the view's moment is among the EXISTS, and tell_news() says it.
  std::erase_if(gone, [&](std::uint32_t uid) { return !is_known(uid) || view.find(uid); });
  if (!gone.empty()) {
    std::string set;
    write_set(set, gone);
    untagged("VANISHED (EARLIER) " + set);
  }
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (view[i]->modseq <= since || !is_known(view[i]->uid)) continue;
    write_flags(i, true);
    co_await breathe();
  }
}

}  // namespace todoke::imap
