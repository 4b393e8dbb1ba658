// Writing what happens.
#include "base/utf8.h"
#include "provider/normalise.h"
#include "queue/journal.h"
#include "queue/notice.h"
#include "store/append.h"

#include <map>

namespace todoke::queue {
namespace {

// The message's text may be needed yet.
bool is_open(State state) {
  return !is_final(state) || state == State::in_doubt;
}

bool ends_attempt(EventKind kind) {
  return kind == EventKind::delivered || kind == EventKind::deferred || kind == EventKind::failed ||
         kind == EventKind::in_doubt;
}

constexpr std::size_t max_text = 2000;
constexpr std::size_t max_dialogue = 8192;

void insert_event(sql::Tx& tx, RecipientId id, std::int64_t event_id, std::int64_t connection_id,
                  Time at, const Outcome& outcome) {
  auto clean = [](std::string_view text, std::size_t most) {
    return valid_utf8(utf8_prefix(text, most));
  };
  bool well = outcome.kind == EventKind::delivered;
  tx.run(
      "insert into queue_event (message_id, number, id, at, kind, connection_id, stage, breakdown, "
      "code, enhanced, text, reply_class, rule, latency, dialogue) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
      id.message, id.number, event_id, at, outcome.kind, connection_id, outcome.stage,
      outcome.breakdown, outcome.code, outcome.enhanced ? to_text(*outcome.enhanced) : "",
      clean(outcome.text, max_text),
      outcome.reply_class ? static_cast<int>(*outcome.reply_class) : 0, outcome.rule,
      outcome.latency.count(), clean(well ? std::string_view() : outcome.dialogue, max_dialogue));
}

void count_unknown(sql::Tx& tx, std::string_view provider, const Outcome& outcome, Time at) {
  auto text = provider::normalise(outcome.text);
  tx.run(
      "insert into queue_unknown_reply (provider, stage, text, times, first_at, last_at, example) "
      "values ($1, $2, $3, 1, $4, $4, $5) on conflict (provider, stage, text) "
      "do update set times = queue_unknown_reply.times + 1, last_at = excluded.last_at",
      provider, outcome.stage, text, at, valid_utf8(utf8_prefix(outcome.text, max_text)));
}

struct Row {
  State state;
  std::optional<smtp::Notify> notify;
};

std::optional<Row> read_row(sql::Tx& tx, RecipientId id) {
  auto found = tx.first<State, int>(
      "select state, notify from queue_recipient where message_id = $1 and number = $2", id.message,
      id.number);
  if (!found) return {};
  return Row{std::get<0>(*found), parse_notify_number(std::get<1>(*found))};
}

void insert_notice(sql::Tx& tx, RecipientId id, Notice notice, Time at) {
  tx.run(
      "insert into queue_notice (message_id, number, action, at) values ($1, $2, $3, $4) "
      "on conflict (message_id, number, action) do nothing",
      id.message, id.number, notice, at);
}

// Writes one event and the state that follows.  Answers by how much the number of open recipients
// changed.
int apply(sql::Tx& tx, const Ended& ended, Consequences& consequences) {
  auto row = read_row(tx, ended.id);
  if (!row) return 0;
  const auto& outcome = ended.outcome;
  auto after = next_state(row->state, outcome.kind);
  insert_event(tx, ended.id, ended.event_id, ended.connection_id, ended.at, outcome);
  tx.run(
      "update queue_recipient set state = $3, attempts = attempts + $4, "
      "due_at = case when $3 = 0 then $5 else due_at end where message_id = $1 and number = $2",
      ended.id.message, ended.id.number, after, ends_attempt(outcome.kind) ? 1 : 0, ended.due);
  if (auto notice = notice_for(outcome.kind, row->notify, outcome.peer_tells);
      notice && after != row->state) {
    insert_notice(tx, ended.id, *notice, ended.at);
    consequences.notices = true;
  }
  return (is_open(after) ? 1 : 0) - (is_open(row->state) ? 1 : 0);
}

void change_remaining(sql::Tx& tx, std::int64_t message_id, int by, Consequences& consequences) {
  if (by == 0) return;
  tx.run("update queue_message set remaining = remaining + $2 where id = $1", message_id, by);
  if (by > 0) return;
  if (auto body = drop_text_if_over(tx, message_id)) consequences.bodies.push_back(*body);
}

}  // namespace

void insert_connection(sql::Tx& tx, const ConnectionRecord& connection) {
  tx.run(
      "insert into queue_connection (id, begun_at, provider, host, address, source, tls) "
      "values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing",
      connection.id, connection.begun_at, connection.provider, connection.host, connection.address,
      connection.source, connection.tls);
}

bool begin_attempt(sql::Tx& tx, RecipientId id, std::int64_t event_id, std::int64_t connection_id,
                   Time now) {
  auto changed = tx.run(
      "update queue_recipient set state = 1, due_at = $3 "
      "where message_id = $1 and number = $2 and state = 0",
      id.message, id.number, now);
  if (changed == 0) return false;
  insert_event(tx, id, event_id, connection_id, now,
               {.kind = EventKind::begun, .stage = smtp::Stage::mail});
  return true;
}

Consequences record(sql::Tx& tx, std::span<const Ended> ended, std::string_view provider) {
  Consequences consequences;
  std::map<std::int64_t, int> remaining;
  for (const auto& one : ended) {
    remaining[one.id.message] += apply(tx, one, consequences);
    if (one.outcome.reply_class == provider::ReplyClass::unknown)
      count_unknown(tx, provider, one.outcome, one.at);
  }
  for (auto [message_id, by] : remaining) change_remaining(tx, message_id, by, consequences);
  return consequences;
}

bool record_event(sql::Tx& tx, RecipientId id, const Outcome& outcome, std::int64_t event_id,
                  Time now, Consequences& consequences) {
  if (!read_row(tx, id)) return false;
  auto by = apply(tx, {.id = id, .outcome = outcome, .event_id = event_id, .at = now, .due = now},
                  consequences);
  change_remaining(tx, id.message, by, consequences);
  return true;
}

int doubt_in_flight(sql::Tx& tx, IdGenerator& ids, Time now, Consequences& consequences) {
  std::vector<RecipientId> in_flight;
  auto take = [&](const sql::Row& row) { in_flight.push_back({row.integer(0), row.get<int>(1)}); };
  tx.each("select message_id, number from queue_recipient where state = 1", take);
  const Outcome doubt{.kind = EventKind::in_doubt,
                      .stage = smtp::Stage::end_of_data,
                      .text = "stopped before its end was known; it may have arrived"};
  for (auto id : in_flight) record_event(tx, id, doubt, ids.next(), now, consequences);
  return static_cast<int>(in_flight.size());
}

std::optional<blob::Location> drop_text_if_over(sql::Tx& tx, std::int64_t message_id) {
  auto blob_id = tx.first<std::int64_t>(
      "select blob_id from queue_message where id = $1 and remaining <= 0 and blob_id <> 0 "
      "and not exists (select 1 from queue_notice n where n.message_id = $1)",
      message_id);
  if (!blob_id) return {};
  tx.run("update queue_message set blob_id = 0 where id = $1", message_id);
  return store::drop_blob(tx, *blob_id);
}

}  // namespace todoke::queue
