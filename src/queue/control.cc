#include "queue/control.h"

#include "queue/expiry.h"
#include "queue/queue.h"
#include "queue/standing.h"

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
Task<Result<int>> Control::change_selected(Selection selection, Urge urge, Change change) {
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
    auto step = co_await db_.write(write);
    for (const auto& body : step.consequences.bodies) blobs_.release(body);
    count += step.changed;
    if (auto* queue = queue_.load()) {
      std::vector<LineKey> lines(step.lines.begin(), step.lines.end());
      if (step.changed > 0 && urge == Urge::now) queue->wake_now(std::move(lines));
      if (step.consequences.notices) queue->tell_senders();
    }
    if (!step.next) break;
    after = *step.next;
  }
  if (count == 0) co_return fail(Errc::not_found, "nothing that waits is meant by this");
  co_return count;
}

Task<Result<int>> Control::retry(Selection selection, std::string by_whom) {
  auto now = clock_.now();
  auto& ids = ids_;
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
  return change_selected(std::move(selection), Urge::now, change);
}

Task<Result<int>> Control::cancel(Selection selection, std::string by_whom) {
  auto now = clock_.now();
  auto& ids = ids_;
  auto change = [&ids, now, by_whom](sql::Tx& tx, const Selected& one, Consequences& consequences) {
    if (one.state != State::waiting && one.state != State::in_doubt) return false;
    const Outcome outcome{.kind = EventKind::cancelled, .text = by_whom};
    return record_event(tx, one.id, outcome, ids.next(), now, consequences);
  };
  return change_selected(std::move(selection), Urge::none, change);
}

Task<Result<int>> Control::expire(Selection selection, std::string by_whom) {
  auto now = clock_.now();
  auto& ids = ids_;
  auto change = [&ids, now, by_whom](sql::Tx& tx, const Selected& one, Consequences& consequences) {
    if (one.state != State::waiting) return false;
    auto outcome = expired_outcome(tx, one.id, "given up by " + by_whom);
    return record_event(tx, one.id, outcome, ids.next(), now, consequences);
  };
  return change_selected(std::move(selection), Urge::none, change);
}

// ---- Holding

Task<Result<>> Control::hold(HoldScope scope, std::string by_whom, std::string reason) {
  const Hold hold{.id = ids_.next(),
                  .scope = std::move(scope),
                  .since = clock_.now(),
                  .by_whom = std::move(by_whom),
                  .reason = std::move(reason)};
  auto write = [&](sql::Tx& tx) { return begin_hold(tx, hold); };
  CO_TRY_OK(co_await db_.write(write));
  co_await reload();
  co_return Result<>();
}

Task<Result<>> Control::release(HoldScope scope) {
  auto now = clock_.now();
  auto write = [&](sql::Tx& tx) { return end_hold(tx, scope, now); };
  auto ended = co_await db_.write(write);
  if (ended == 0) co_return fail(Errc::not_found, "this is not held");
  co_await reload();
  co_return Result<>();
}

Task<Holds> Control::holds() {
  auto now = clock_.now();
  auto query = [&](sql::Tx& tx) { return read_holds(tx, now); };
  co_return co_await db_.read(query);
}

void Control::wake(std::vector<LineKey> lines, Time due) {
  if (auto* queue = queue_.load()) queue->wake(std::move(lines), due);
}

Task<> Control::reload() {
  if (auto* queue = queue_.load()) co_await queue->reload();
}

// ---- Explaining

Task<Result<std::string>> Control::explain(RecipientId id) {
  auto now = clock_.now();
  auto query = [&](sql::Tx& tx) { return read_situation(tx, id, now); };
  auto situation = co_await db_.read(query);
  if (!situation) co_return fail(Errc::not_found, "there is no such recipient");
  if (auto* queue = queue_.load(); queue != nullptr && situation->state == State::waiting) {
    const auto line = situation->line;
    situation->standing = co_await queue->standing(line);
  }
  co_return explain_situation(*situation, now);
}

}  // namespace todoke::queue
