// What the client is told of the selected mailbox without having asked.  RFC 9051 §7.4, §7.5.
#include "base/log.h"
#include "imap/server/flag_text.h"
#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace todoke::imap {

// What happened since SELECT is news like all else: the client gets the numbers of that moment.
Task<> Session::number_messages() {
  auto& box = *selected_;
  if (box.seen) co_return;
  const auto moment = box.opened_at;
  auto now = co_await box.live->latest();
  bool is_same = now->highestmodseq() == moment.highestmodseq && now->size() == moment.count &&
                 now->uidnext() == moment.uidnext;
  if (is_same) {
    box.seen = std::move(now);
    co_return;
  }
  auto gone = co_await box.mailbox.vanished_since(moment.highestmodseq);
  store::ViewBuilder builder;
  auto next_gone = gone.begin();
  auto add_gone_below = [&](std::uint32_t uid) {
    for (; next_gone != gone.end() && *next_gone < uid; ++next_gone)
      builder.add(store::Placement{.uid = *next_gone});
  };
  for (std::size_t i = 0; i < now->size() && (*now)[i]->uid < moment.uidnext; ++i) {
    auto message = (*now)[i];
    add_gone_below(message->uid);
    // Whoever knows the mailbox up to the moment has not heard of a later change: news as well.
    auto entry = *message.entry;
    entry.modseq = std::min(entry.modseq, moment.highestmodseq);
    builder.add(entry, message.keywords);
  }
  add_gone_below(moment.uidnext);
  box.seen = builder.finish(moment.uidnext, moment.highestmodseq);
  if (box.seen->size() == moment.count) co_return;
  log::error("imap.miscounted", {{"session", id_},
                                 {"mailbox", box.mailbox.id()},
                                 {"counted", moment.count},
                                 {"found", box.seen->size()}});
  for (auto number = moment.count; number > box.seen->size(); --number)
    untagged(fmt::format("{} EXPUNGE", number));
  untagged(fmt::format("{} EXISTS", box.seen->size()));
}

Task<> Session::tell_news(News allowed) {
  auto& box = *selected_;
  co_await number_messages();
  auto now = box.live->cached();
  if (!now) now = co_await box.live->latest();
  if (now == box.seen) co_return;
  const store::ViewDiff diff(*box.seen, *now);
  // RFC 9051 §7.5.1.  The rest waits too: numbers of new messages would follow from the old.
  bool held_back = std::exchange(box.holds_back, allowed == News::no_expunge && !diff.gone.empty());
  if (box.holds_back) {
    write_told_up_to("Messages are gone that are told of later");
    co_return;
  }
  auto has_new_keywords = [&](std::size_t index) {
    return !all_known((*now)[index].keywords, box.keywords);
  };
  bool learns = std::ranges::any_of(diff.changed, has_new_keywords);
  for (auto i = diff.first_new; !learns && i < now->size(); ++i) learns = has_new_keywords(i);
  std::optional<std::string> keywords;
  if (learns) {
    auto info = co_await box.mailbox.info();
    if (info) keywords = std::move(info->keywords);
  }
  // All that may fail is behind us: the news are told as a whole.
  auto before = box.seen;
  box.told(now);
  write_expunged(diff, *before);
  if (diff.first_new < now->size()) untagged(fmt::format("{} EXISTS", now->size()));
  if (keywords) write_known_keywords(*keywords);
  for (auto index : diff.changed) {
    write_flags(index, true);
    co_await breathe();
  }
  if (held_back) write_told_up_to("All is told");
}

// A client remembers the largest MODSEQ that a command has brought, and asks after a break what
// happened since: what is held back would be lost to it, for the flags that it fetches or stores
// meanwhile have larger numbers.  RFC 7162 §6: this response outweighs them.
void Session::write_told_up_to(std::string_view words) {
  if (condstore_) untagged(fmt::format("OK [HIGHESTMODSEQ {}] {}", selected_->told_up_to, words));
}

Task<> Session::tell_news_if_possible(News allowed) {
  auto step = news_step(allowed);
  co_await guarded(std::move(step));
}

Task<Reply> Session::news_step(News allowed) {
  co_await tell_news(allowed);
  co_return Reply{};
}

void Session::write_expunged(const store::ViewDiff& diff, const store::View& before) {
  if (diff.gone.empty()) return;
  if (qresync_) {  // RFC 7162 §3.2.10
    std::vector<std::uint32_t> uids;
    for (auto index : diff.gone) uids.push_back(before[index]->uid);
    std::string set;
    write_set(set, uids);
    untagged("VANISHED " + set);
    return;
  }
  std::size_t gone = 0;
  for (auto index : diff.gone) untagged(fmt::format("{} EXPUNGE", index + 1 - gone++));
}

void Session::write_flags(std::size_t index, bool with_uid) {
  auto message = (*selected_->seen)[index];
  std::string line = fmt::format("* {} FETCH (", index + 1);
  // RFC 7162 §3.2.4: who counts changes gets both.
  if (with_uid || condstore_) line += fmt::format("UID {} ", message->uid);
  if (condstore_) line += fmt::format("MODSEQ ({}) ", message->modseq);
  line += "FLAGS ";
  write_flag_list(line, message->flags, message.keywords);
  line += ")\r\n";
  io_.write(line);
}

// RFC 9051 §7.3.5, §7.1 PERMANENTFLAGS.
void Session::write_known_keywords(const std::string& keywords) {
  std::string flags;
  write_flag_list(flags, all_flags, keywords);
  untagged("FLAGS " + flags);
  if (selected_->read_only) {
    untagged("OK [PERMANENTFLAGS ()] No flag can be changed");
  } else {
    flags.insert(flags.size() - 1, " \\*");
    untagged("OK [PERMANENTFLAGS " + flags + "] Flags that are kept");
  }
  selected_->keywords = keywords;
}

Task<> Session::learn_own(store::FlagsChanged outcome) {
  const auto& placed = outcome.delta.placed;
  if (placed.empty()) co_return;
  // With the flags come keywords that others gave meanwhile.
  auto is_new = [&](const store::Placement& one) {
    return !all_known(one.keywords, selected_->keywords);
  };
  if (std::ranges::any_of(placed, is_new)) co_await learn_keywords();
  selected_->learn(outcome.delta, outcome.modseq);
}

Task<> Session::learn_keywords() {
  auto info = co_await selected_->mailbox.info();
  if (info) write_known_keywords(info->keywords);
}

// RFC 7162 §3.1: the first command that needs it tells where we are.
void Session::enable_condstore() {
  if (std::exchange(condstore_, true) || !selected_) return;
  write_told_up_to("Changes are numbered");
}

}  // namespace todoke::imap
