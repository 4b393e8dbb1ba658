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
  if (!changed && changed.error().code == Errc::over_limit)
    co_return no("[LIMIT] " + changed.error().text);
  if (!changed) co_return no(changed.error());
  auto before = box.seen;
  if (!changed->delta.placed.empty()) box.learn(changed->delta, changed->modseq);
  auto is_new = [&](const store::Placement& one) { return !all_known(one.keywords, box.keywords); };
  if (std::ranges::any_of(changed->delta.placed, is_new)) co_await learn_keywords();

  const auto modified = changed->modified;
  auto now = co_await box.live->latest();
  std::size_t gone = 0;
  for (const auto& range : *messages)
    for (auto i = range.begin; i < range.end; ++i)
      if (!now->find((*box.seen)[i]->uid)) ++gone;
  if (!command.silent) {
    for (const auto& range : *messages)
      for (auto i = range.begin; i < range.end; ++i) {
        auto uid = (*box.seen)[i]->uid;
        if (std::ranges::binary_search(modified, uid) || !now->find(uid)) continue;
        write_flags(i, command.numbers == Numbers::uid || qresync_);
        co_await breathe();
      }
  } else {
    co_await write_silent(before, *std::move(changed));
  }
  // Of UIDs that are not there nobody hears.  RFC 9051 §6.4.9.
  if (gone > 0 && command.numbers == Numbers::sequence)
    co_return no(fmt::format("[EXPUNGEISSUED] {} of these messages are gone", gone));
  if (modified.empty()) co_return ok("Flags are stored");
  std::vector<std::uint32_t> names;
  for (auto uid : modified)
    names.push_back(command.numbers == Numbers::uid
                        ? uid
                        : static_cast<std::uint32_t>(box.seen->find(uid).value_or(0) + 1));
  std::string set;
  write_set(set, names);
  co_return ok(fmt::format("[MODIFIED {}] Some were changed meanwhile", set));
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
