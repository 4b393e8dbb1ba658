#include "queue/expiry.h"

#include <fmt/format.h>

namespace todoke::queue {
namespace {

Time ends_at(Time useful_until, bool is_firm, std::int64_t organisation_id, Time created_at,
             const Holds& holds, std::string_view provider, Time now) {
  if (is_firm) return useful_until;
  return useful_until + holds.held_between(provider, organisation_id, created_at, now);
}

struct Recipient {
  int number;
  State state;
  std::string provider;
};

std::vector<Recipient> read_open(sql::Tx& tx, std::int64_t message_id) {
  std::vector<Recipient> found;
  auto take = [&](const sql::Row& row) {
    found.push_back({row.get<int>(0), row.get<State>(1), row.get<std::string>(2)});
  };
  tx.each(
      "select r.number, r.state, coalesce(d.provider, '') from queue_recipient r "
      "left join queue_domain d on d.domain = r.domain "
      "where r.message_id = $1 and r.state in (0, 1, 6) order by r.number",
      take, message_id);
  return found;
}

}  // namespace

Time ends_at(const Message& message, const Holds& holds, std::string_view provider, Time now) {
  return ends_at(message.useful_until, message.is_firm, message.organisation_id, message.created_at,
                 holds, provider, now);
}

Outcome expired_outcome(sql::Tx& tx, RecipientId id, std::string_view why) {
  auto last = read_last_event(tx, id);
  if (!last || last->outcome.kind != EventKind::deferred)
    return {.kind = EventKind::expired,
            .text = std::string(why),
            .reply_class = provider::ReplyClass::expired};
  auto outcome = std::move(last->outcome);
  outcome.kind = EventKind::expired;
  outcome.text = fmt::format("{}; the last answer: {}", why, outcome.text);
  outcome.reply_class = provider::ReplyClass::expired;
  return outcome;
}

ExpiryStep expire_some(sql::Tx& tx, IdGenerator& ids, const Holds& holds, Time now,
                       ExpiryCursor from, int limit) {
  struct Aged {
    std::int64_t id, organisation_id;
    Time created_at, useful_until;
    bool is_firm;
  };
  std::vector<Aged> aged;
  auto take = [&](const sql::Row& row) {
    aged.push_back(
        {row.integer(0), row.integer(1), row.get<Time>(2), row.get<Time>(3), row.get<bool>(4)});
  };
  tx.each(
      "select id, organisation_id, created_at, useful_until, firm from queue_message "
      "where remaining > 0 and useful_until <= $1 and (useful_until, id) > ($2, $3) "
      "order by useful_until, id limit $4",
      take, now, from.useful_until, from.message_id, limit);
  ExpiryStep step;
  for (const auto& message : aged) {
    bool is_over = true;
    for (const auto& recipient : read_open(tx, message.id)) {
      if (recipient.state == State::in_doubt) continue;  // it stays so; see below
      auto ends = ends_at(message.useful_until, message.is_firm, message.organisation_id,
                          message.created_at, holds, recipient.provider, now);
      if (recipient.state == State::sending || ends > now) {
        is_over = false;
        continue;
      }
      RecipientId id{message.id, recipient.number};
      auto outcome = expired_outcome(tx, id, "it could not be delivered in its time");
      record_event(tx, id, outcome, ids.next(), now, step.consequences);
      ++step.expired;
    }
    // Those in doubt keep a message only for as long as it is of use.
    if (!is_over) continue;
    tx.run("update queue_message set remaining = 0 where id = $1", message.id);
    if (auto body = drop_text_if_over(tx, message.id)) step.consequences.bodies.push_back(*body);
  }
  if (static_cast<int>(aged.size()) == limit)
    step.next = ExpiryCursor{aged.back().useful_until, aged.back().id};
  return step;
}

int note_delays(sql::Tx& tx, Time from, Time before, Time now) {
  // Bits of NOTIFY: nothing said, or DELAY asked for.  Who gets notices by a token is told
  // otherwise.
  auto noted = tx.run(
      "insert into queue_notice (message_id, number, action, at) "
      "select r.message_id, r.number, 2, $3 from queue_message m "
      "join queue_recipient r on r.message_id = m.id "
      "where m.remaining > 0 and m.created_at > $1 and m.created_at <= $2 and m.return_path = 0 "
      "and m.reverse_path <> '' and r.state = 0 and r.attempts > 0 and r.delay_told = 0 "
      "and (r.notify = 0 or r.notify in (4, 5, 6, 7)) "
      "on conflict (message_id, number, action) do nothing",
      from, before, now);
  if (noted > 0)
    tx.run(
        "update queue_recipient set delay_told = 1 where delay_told = 0 and (message_id, number) "
        "in "
        "(select message_id, number from queue_notice where action = 2)");
  return static_cast<int>(noted);
}

}  // namespace todoke::queue
