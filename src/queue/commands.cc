// What administrators do with waiting mail.
#include "queue/expiry.h"
#include "queue/impl.h"
#include "queue/journal.h"

namespace todoke::queue {
namespace {

struct Selected {
  RecipientId id;
  LineKey line;
  State state;
  bool has_text;
};

// At most so many in one transaction.
constexpr int at_once = 1000;

// Open recipients (and, for retries, those that failed) behind `after` that the selection fits.
std::vector<Selected> select(sql::Tx& tx, const Selection& selection, RecipientId after) {
  std::vector<Selected> found;
  auto take = [&](const sql::Row& row) {
    found.push_back({{row.integer(0), row.get<int>(1)},
                     {row.get<std::string>(2), row.get<Lane>(3), row.integer(4)},
                     row.get<State>(5),
                     row.integer(6) != 0});
  };
  tx.each(
      "select r.message_id, r.number, r.domain, r.lane, r.organisation_id, r.state, m.blob_id "
      "from queue_recipient r join queue_message m on m.id = r.message_id "
      "left join queue_domain d on d.domain = r.domain "
      "where (r.message_id, r.number) > ($1, $2) and m.remaining > 0 "
      "and ($3 = 0 or r.message_id = $3) and ($4 = 0 or r.number = $4) "
      "and ($5 = '' or r.domain = $5) and ($6 = '' or d.provider = $6) "
      "and ($7 = -1 or r.organisation_id = $7) order by r.message_id, r.number limit $8",
      take, after.message, after.number, selection.message_id.value_or(0),
      selection.number.value_or(0), selection.domain.value_or(""), selection.provider.value_or(""),
      selection.organisation_id.value_or(-1), at_once);
  return found;
}

}  // namespace

// Applies `change(tx, selected)`, which answers whether it did anything, to all that are selected,
// some at a time.
template <class Change>
Task<Result<int>> Queue::Impl::change_selected(Selection selection, Change change) {
  int count = 0;
  RecipientId after;
  for (;;) {
    struct Step {
      int changed = 0;
      std::optional<RecipientId> next;
      Consequences consequences;
      std::set<LineKey> lines;
    };
    auto write = [&](sql::Tx& tx) {
      Step step;
      auto found = select(tx, selection, after);
      for (const auto& one : found) {
        if (!change(tx, one, step.consequences)) continue;
        ++step.changed;
        step.lines.insert(one.line);
      }
      if (static_cast<int>(found.size()) == at_once) step.next = found.back().id;
      return step;
    };
    auto step = co_await core.parts.db.write(write);
    core.follow(std::move(step.consequences));
    count += step.changed;
    if (step.changed > 0)
      owner->wake({step.lines.begin(), step.lines.end()}, core.parts.clock.now());
    if (!step.next) break;
    after = *step.next;
  }
  if (count == 0) co_return fail(Errc::not_found, "nothing that waits is meant by this");
  co_return count;
}

Task<Result<int>> Queue::retry(Selection selection, std::string by_whom) {
  auto now = impl_->core.parts.clock.now();
  auto& ids = impl_->core.parts.ids;
  auto change = [&ids, now, by_whom](sql::Tx& tx, const Selected& one, Consequences& consequences) {
    if (one.state == State::sending || one.state == State::delivered || !one.has_text) return false;
    if (one.state != State::waiting) {
      const Outcome outcome{.kind = EventKind::retried, .text = by_whom};
      record_event(tx, one.id, outcome, ids.next(), now, consequences);
    }
    tx.run("update queue_recipient set due_at = $3 where message_id = $1 and number = $2",
           one.id.message, one.id.number, now);
    return true;
  };
  return impl_->change_selected(std::move(selection), change);
}

Task<Result<int>> Queue::cancel(Selection selection, std::string by_whom) {
  auto now = impl_->core.parts.clock.now();
  auto& ids = impl_->core.parts.ids;
  auto change = [&ids, now, by_whom](sql::Tx& tx, const Selected& one, Consequences& consequences) {
    if (one.state != State::waiting && one.state != State::in_doubt) return false;
    const Outcome outcome{.kind = EventKind::cancelled, .text = by_whom};
    return record_event(tx, one.id, outcome, ids.next(), now, consequences);
  };
  return impl_->change_selected(std::move(selection), change);
}

Task<Result<int>> Queue::expire(Selection selection, std::string by_whom) {
  auto now = impl_->core.parts.clock.now();
  auto& ids = impl_->core.parts.ids;
  auto change = [&ids, now, by_whom](sql::Tx& tx, const Selected& one, Consequences& consequences) {
    if (one.state != State::waiting) return false;
    auto outcome = expired_outcome(tx, one.id, "given up by " + by_whom);
    return record_event(tx, one.id, outcome, ids.next(), now, consequences);
  };
  return impl_->change_selected(std::move(selection), change);
}

// ---- Holding

Task<Result<>> Queue::hold(HoldScope scope, std::string by_whom, std::string reason) {
  auto& parts = impl_->core.parts;
  const Hold hold{.id = parts.ids.next(),
                  .scope = std::move(scope),
                  .since = parts.clock.now(),
                  .by_whom = std::move(by_whom),
                  .reason = std::move(reason)};
  auto write = [&](sql::Tx& tx) { return begin_hold(tx, hold); };
  auto begun = co_await parts.db.write(write);
  if (begun) co_await reload();
  co_return begun;
}

Task<Result<>> Queue::release(HoldScope scope) {
  auto& parts = impl_->core.parts;
  auto now = parts.clock.now();
  auto write = [&](sql::Tx& tx) { return end_hold(tx, scope, now); };
  auto ended = co_await parts.db.write(write);
  if (ended == 0) co_return fail(Errc::not_found, "this is not held");
  co_await reload();
  co_return Result<>();
}

Task<> Queue::reload() {
  auto holds = co_await impl_->read_all_holds();
  auto smarthosts = co_await impl_->read_smarthosts();
  {
    std::lock_guard lock(impl_->mutex);
    impl_->new_holds = std::move(holds);
    impl_->new_smarthosts = std::move(smarthosts);
  }
  impl_->core.alarm.ring();
}

}  // namespace todoke::queue
