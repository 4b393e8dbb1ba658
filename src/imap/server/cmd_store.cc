#include "imap/server/flag_text.h"
#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

store::FlagChange::How how(Store::Change change) {
  switch (change) {
    case Store::Change::add:
      return store::FlagChange::How::add;
    case Store::Change::remove:
      return store::FlagChange::How::remove;
    case Store::Change::replace:
      break;
  }
  return store::FlagChange::How::replace;
}

// How many of the messages others have expunged.
std::size_t count_gone(const std::vector<IndexRange>& messages, const store::View& seen,
                       const store::View& now) {
  std::size_t gone = 0;
  for (const auto& range : messages)
    for (auto i = range.begin; i < range.end; ++i)
      if (!now.find(seen[i]->uid)) ++gone;
  return gone;
}

// UIDs as the client names messages.
std::string name_set(std::vector<std::uint32_t> uids, const store::View& seen, Numbers numbers) {
  if (numbers == Numbers::sequence)
    for (auto& uid : uids) uid = static_cast<std::uint32_t>(seen.find(uid).value_or(0) + 1);
  std::string set;
  write_set(set, uids);
  return set;
}

}  // namespace

// RFC 9051 §6.4.6, RFC 7162 §3.1.3.
Task<Reply> Session::handle(Store command) {
  auto& box = *selected_;
  if (command.unchanged_since) enable_condstore();
  auto messages = box.messages(command.set, command.numbers);
  if (!messages) co_return bad(messages.error().text);
  if (messages->empty()) co_return ok("No such messages");
  auto flags = to_flags(command.flags);
  store::FlagChange change{how(command.change), flags.system, std::move(flags.keywords)};
  std::optional<std::int64_t> unchanged_since;
  if (command.unchanged_since)
    unchanged_since =
        static_cast<std::int64_t>(std::min<std::uint64_t>(*command.unchanged_since, INT64_MAX));
  auto ranges = box.uid_ranges(*messages);
  auto changed =
      co_await box.mailbox.change_flags(std::move(ranges), std::move(change), unchanged_since);
  if (!changed) co_return no(changed.error());
  auto before = box.seen;
  auto outcome = *changed;
  co_await learn_own(std::move(outcome));
  const auto modified = changed->modified;
  auto now = co_await box.live->latest();
  if (command.silent)
    co_await write_silent(before, *std::move(changed));
  else
    co_await write_stored(*messages, modified, now, command.numbers);
  // Of UIDs that are not there nobody hears.  RFC 9051 §6.4.9.
  auto gone = command.numbers == Numbers::sequence ? count_gone(*messages, *box.seen, *now) : 0;
  auto issued = fmt::format("[EXPUNGEISSUED] {} of these messages are gone", gone);
  if (gone > 0 && modified.empty()) co_return no(std::move(issued));
  if (modified.empty()) co_return ok("Flags are stored");
  auto set = name_set(modified, *box.seen, command.numbers);
  auto reply = ok(fmt::format("[MODIFIED {}] Some were changed meanwhile", set));
  if (gone > 0) {  // an answer has room for one code
    untagged("NO " + issued);
    reply.kind = Reply::Kind::no;
  }
  co_return reply;
}

// The flags that the messages have now.
Task<> Session::write_stored(std::vector<IndexRange> messages, std::vector<std::uint32_t> modified,
                             std::shared_ptr<const store::View> now, Numbers numbers) {
  for (const auto& range : messages)
    for (auto i = range.begin; i < range.end; ++i) {
      auto uid = (*selected_->seen)[i]->uid;
      if (std::ranges::binary_search(modified, uid) || !now->find(uid)) continue;
      write_flags(i, numbers == Numbers::uid || qresync_);
      co_await breathe();
    }
}

// What .SILENT does not hide: flags that are not only the client's doing, so that it need not guess
// (RFC 9051 §6.4.6), and the new numbers (RFC 7162 §3.1.3).
Task<> Session::write_silent(std::shared_ptr<const store::View> before,
                             store::FlagsChanged changed) {
  for (std::size_t i = 0; i < changed.delta.placed.size(); ++i) {
    const auto& placed = changed.delta.placed[i];
    auto index = before->find(placed.uid);
    if (!index) continue;
    if ((*before)[*index]->modseq != changed.earlier_modseqs[i])
      write_flags(*index, true);
    else if (condstore_)
      untagged(fmt::format("{} FETCH (UID {} MODSEQ ({}))", *index + 1, placed.uid, placed.modseq));
    co_await breathe();
  }
}

}  // namespace todoke::imap
