#include "imap/server/flag_text.h"
#include "imap/server/message_fetch.h"
#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

// Messages whose facts are read at once; with large facts their memory is what this bounds.
constexpr std::size_t batch = 256;

bool has_item(const Fetch& command, FetchItem::Kind kind) {
  return std::ranges::find(command.items, kind, &FetchItem::kind) != command.items.end();
}

// RFC 9051 §6.4.9, RFC 7162 §3.1.4.1: some items come unasked.
void add_implied(Fetch& command, bool condstore) {
  auto add_first = [&](FetchItem::Kind kind, std::string name) {
    if (has_item(command, kind)) return;
    command.items.insert(command.items.begin(), {.kind = kind, .name = std::move(name)});
  };
  if (command.changed_since || (condstore && has_item(command, FetchItem::Kind::flags)))
    add_first(FetchItem::Kind::mod_seq, "MODSEQ");
  if (command.numbers == Numbers::uid) add_first(FetchItem::Kind::uid, "UID");
}

std::vector<std::size_t> indexes_of(const std::vector<IndexRange>& ranges, const store::View& view,
                                    std::optional<std::uint64_t> changed_since) {
  std::vector<std::size_t> indexes;
  indexes.reserve(count_of(ranges));
  for (const auto& range : ranges)
    for (auto i = range.begin; i < range.end; ++i)
      if (!changed_since || static_cast<std::uint64_t>(view[i]->modseq) > *changed_since)
        indexes.push_back(i);
  return indexes;
}

// The facts of messages, batch by batch: the next is read while the last is written.
class FactsAhead {
 public:
  FactsAhead(store::Mailbox mailbox, std::shared_ptr<const store::View> view,
             const std::vector<std::size_t>& indexes, store::FactSet wanted)
      : mailbox_(mailbox), view_(std::move(view)), indexes_(indexes), wanted_(wanted) {
    begin();
  }

  // Not empty while messages are left.
  [[nodiscard]] Task<std::vector<store::MessageFacts>> next() {
    std::vector<store::MessageFacts> facts;
    if (wanted_ == 0) {
      facts.resize(std::min(batch, indexes_.size() - at_), {.found = true});
      at_ += facts.size();
      co_return facts;
    }
    facts = co_await reading_->answer();
    at_ += facts.size();
    begin();
    co_return facts;
  }

 private:
  void begin() {
    reading_.reset();
    if (wanted_ == 0 || at_ == indexes_.size()) return;
    std::vector<store::Mailbox::MessageKey> keys;
    for (auto i = at_; i < std::min(at_ + batch, indexes_.size()); ++i) {
      auto entry = (*view_)[indexes_[i]].entry;
      keys.emplace_back(entry->uid, entry->message_id);
    }
    reading_ = mailbox_.begin_facts(std::move(keys), wanted_);
  }

  store::Mailbox mailbox_;
  std::shared_ptr<const store::View> view_;
  const std::vector<std::size_t>& indexes_;
  const store::FactSet wanted_;
  std::size_t at_ = 0;
  std::optional<sql::Db::Begun<store::Mailbox::FactsQuery>> reading_;  // of those from at_ on
};

}  // namespace

// RFC 9051 §6.4.5.
Task<Reply> Session::handle(Fetch command) {
  auto& box = *selected_;
  if (command.vanished && !(qresync_ && command.numbers == Numbers::uid))
    co_return bad("VANISHED is for UID FETCH after ENABLE QRESYNC");
  if (command.changed_since || has_item(command, FetchItem::Kind::mod_seq)) enable_condstore();
  auto ranges = box.messages(command.set, command.numbers);
  if (!ranges) co_return bad(ranges.error().text);
  if (command.vanished) {
    auto set = command.set;
    co_await write_vanished(std::move(set), command.changed_since.value_or(0));
  }
  add_implied(command, condstore_);
  auto indexes = indexes_of(*ranges, *box.seen, command.changed_since);

  bool sets_seen = !box.read_only && std::ranges::any_of(command.items, [](const FetchItem& item) {
    return !item.peek;
  });
  std::vector<bool> newly_seen;
  if (sets_seen) {
    // On a full disk mail can be read all the same.
    auto step = mark_seen(indexes, &newly_seen);
    auto done = co_await guarded(std::move(step));
    if (done.kind != Reply::Kind::ok) newly_seen.clear();
  }

  store::FactSet wanted = 0;
  for (const auto& item : command.items) wanted |= facts_for(item);
  MessageFetch answer(server_.store, box.mailbox, io_, command.items, server_.limits.stalled,
                      inside_answer_);
  FactsAhead ahead(box.mailbox, box.seen, indexes, wanted);
  for (std::size_t at = 0; at < indexes.size();) {
    auto facts = co_await ahead.next();
    for (auto& one : facts) {
      auto with_flags = newly_seen.empty() || !newly_seen[at] ? MessageFetch::Flags::as_asked
                        : condstore_ ? MessageFetch::Flags::told_with_mod_seq
                                     : MessageFetch::Flags::told;
      co_await answer.write(box.seen, indexes[at++], std::move(one), with_flags);
      co_await breathe();
    }
  }
  if (answer.missed() > 0)
    co_return no(fmt::format("[EXPUNGEISSUED] {} of these messages are gone", answer.missed()));
  if (answer.corrupt() > 0)
    co_return no(
        fmt::format("[SERVERBUG] {} of these messages are damaged on our disk; the "
                    "administrator has to restore them",
                    answer.corrupt()));
  // RFC 3516 §4.3.
  if (answer.undecodable() > 0)
    co_return no("[UNKNOWN-CTE] Parts are encoded in a way that we do not know");
  co_return ok("Fetched");
}

// Which of the messages become seen by being fetched.  RFC 9051 §6.4.5.
Task<Reply> Session::mark_seen(std::vector<std::size_t> indexes, std::vector<bool>* newly_seen) {
  auto& box = *selected_;
  auto& marked = *newly_seen;
  marked.assign(indexes.size(), false);
  std::vector<store::UidRange> uids;
  for (std::size_t i = 0; i < indexes.size(); ++i) {
    auto entry = (*box.seen)[indexes[i]].entry;
    if ((entry->flags & store::flag_seen) != 0) continue;
    marked[i] = true;
    bool adjoins = i > 0 && marked[i - 1] && indexes[i - 1] + 1 == indexes[i];
    if (adjoins)
      uids.back().last = entry->uid;
    else
      uids.push_back({entry->uid, entry->uid});
  }
  if (uids.empty()) co_return Reply{};
  store::FlagChange change{store::FlagChange::How::add, store::flag_seen, {}};
  auto changed = co_await box.mailbox.change_flags(std::move(uids), std::move(change), {});
  if (!changed) co_return no(changed.error());
  co_await learn_own(*std::move(changed));
  co_return Reply{};
}

// RFC 7162 §3.2.6.
Task<> Session::write_vanished(SequenceSet set, std::uint64_t since) {
  auto modseq = static_cast<std::int64_t>(std::min<std::uint64_t>(since, INT64_MAX));
  auto gone = co_await selected_->mailbox.vanished_since(modseq);
  auto ranges = set.resolve(selected_->seen->uidnext() - 1);
  std::erase_if(gone, [&](std::uint32_t uid) {
    // What the client has not been told to be gone is told by tell_news().
    return !contains(ranges, uid) || selected_->seen->find(uid).has_value();
  });
  if (gone.empty()) co_return;
  std::string text;
  write_set(text, gone);
  untagged("VANISHED (EARLIER) " + text);
}

}  // namespace todoke::imap
