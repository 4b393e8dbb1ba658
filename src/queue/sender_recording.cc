// What a connection writes down.
#include "base/log.h"
#include "queue/sender.h"

namespace todoke::queue {
namespace {

constexpr auto between_tries = std::chrono::seconds(5);

// By which attempts are counted.
std::string_view log_name(EventKind kind) {
  switch (kind) {
    case EventKind::delivered:
      return "queue.delivered";
    case EventKind::failed:
      return "queue.failed";
    case EventKind::untouched:
      return "queue.untouched";
    default:
      return "queue.deferred";
  }
}

}  // namespace

void Sender::ended(Taken taken, Judgement judgement, Steady begun) {
  const auto& clock = core_.parts.clock;
  react(taken.job, judgement, begun);
  auto now = clock.now();
  if (ended_.empty()) first_ended_ = clock.steady();
  core_.last_progress = clock.steady();
  log::info(log_name(judgement.outcome.kind), {{"message", id_text(taken.job.id.message)},
                                               {"to", taken.job.address},
                                               {"stage", to_text(judgement.outcome.stage)},
                                               {"code", judgement.outcome.code},
                                               {"rule", judgement.outcome.rule}});
  ended_.push_back({taken.line,
                    {.id = taken.job.id,
                     .outcome = std::move(judgement.outcome),
                     .event_id = core_.parts.ids.next(),
                     .connection_id = connection_  ? connection_->record.id
                                      : unwritten_ ? unwritten_->id
                                                   : 0,
                     .at = now,
                     .due = now + judgement.wait}});
}

Task<Sender::Batch> Sender::begin(Batch batch) {
  std::vector<Ended> events;
  for (const auto& [line, event] : ended_) events.push_back(event);
  std::vector<std::int64_t> event_ids;
  for (std::size_t i = 0; i < batch.size(); ++i) event_ids.push_back(core_.parts.ids.next());
  std::vector<bool> may(batch.size());
  auto now = core_.parts.clock.now();
  const auto& provider = site_.target->provider->id;
  auto write = [&](sql::Tx& tx) {
    if (unwritten_) insert_connection(tx, *unwritten_);
    auto consequences = record(tx, events, provider);
    for (std::size_t i = 0; i < batch.size(); ++i)
      may[i] = begin_attempt(tx, batch[i].job.id, event_ids[i], connection_->record.id, now);
    return consequences;
  };
  std::optional<Consequences> consequences;
  std::exception_ptr failure;
  try {
    consequences = co_await core_.parts.db.write(write);
  } catch (const std::runtime_error&) {
    failure = std::current_exception();
  }
  if (failure) {
    // None of them was begun.
    give_back(std::move(batch));
    std::rethrow_exception(failure);
  }
  unwritten_.reset();
  core_.follow(*std::move(consequences));
  forget_ended();
  Batch begun;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (may[i])
      begun.push_back(std::move(batch[i]));
    else
      core_.dispatcher.put_back(*batch[i].line, batch[i].job.id);
  }
  co_return begun;
}

// They are written: who was deferred waits again.
void Sender::forget_ended() {
  for (auto& [line, event] : std::exchange(ended_, {})) {
    if (event.outcome.kind == EventKind::deferred || event.outcome.kind == EventKind::untouched)
      core_.dispatcher.waits(line->key, event.due);
    core_.dispatcher.put_back(*line, event.id);
    core_.alarm.ring();
  }
}

Task<> Sender::write_ended() {
  if (ended_.empty()) co_return;
  co_await begin({});
}

Task<bool> Sender::try_to_write_ended() {
  try {
    co_await write_ended();
    co_return true;
  } catch (const std::runtime_error& e) {
    log::error("queue.not_written", {{"recipients", ended_.size()}, {"error", e.what()}});
    co_return false;
  }
}

// How attempts ended is known to nobody else, so it is written however long the database needs.  If
// we stop before, they are in doubt.
Task<> Sender::write_at_last() {
  for (;;) {
    bool is_written = co_await try_to_write_ended();
    if (is_written || core_.is_stopping) co_return;
    co_await core_.parts.clock.sleep(between_tries);
  }
}

}  // namespace todoke::queue
