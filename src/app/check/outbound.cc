#include "app/check/outbound.h"

#include "provider/book.h"
#include "provider/proof.h"
#include "queue/event.h"
#include "queue/hold.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::app {
namespace {

using queue::EventKind;
using queue::RecipientId;
using queue::State;
using Weight = Finding::Weight;

constexpr std::string_view area = "outbound mail";
constexpr int page = 1000;
constexpr int max_findings = 100;  // of one kind; more of them say nothing new
constexpr auto long_wait = std::chrono::hours(24);

void tell(std::vector<Finding>& findings, Weight weight, std::string what,
          std::string_view advice) {
  findings.push_back({weight, std::string(area), std::move(what), std::string(advice)});
}

std::string plural(std::int64_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::int64_t hours_since(Time then, Time now) {
  return std::chrono::floor<std::chrono::hours>(now - then).count();
}

// ---- Rows against rows

// What is in doubt when the time of its message comes is counted no more, and stays in doubt.
void check_remaining(sql::Tx& tx, std::vector<Finding>& findings) {
  auto take = [&](const sql::Row& row) {
    tell(findings, Weight::error,
         fmt::format("message {} counts {} recipients as open, and has {}", id_text(row.integer(0)),
                     row.integer(1), row.integer(2) + row.integer(3)),
         "please report it as a bug; todoke queue show tells the rest");
  };
  tx.each(
      "select m.id, m.remaining, c.waiting, c.doubtful from queue_message m join "
      "(select message_id, sum(case when state in (0, 1) then 1 else 0 end) as waiting, "
      "sum(case when state = 6 then 1 else 0 end) as doubtful from queue_recipient "
      "group by message_id) as c on c.message_id = m.id "
      "where m.remaining <> c.waiting + c.doubtful and not (c.waiting = 0 and m.remaining <= 0) "
      "order by m.id limit 100",
      take);
}

void check_texts(sql::Tx& tx, std::vector<Finding>& findings) {
  auto lost = tx.first<std::int64_t>(
                    "select count(*) from queue_message m left join blob b on b.id = m.blob_id "
                    "where b.id is null and (m.blob_id <> 0 or m.remaining > 0)")
                  .value_or(0);
  if (lost > 0)
    tell(findings, Weight::error,
         fmt::format("{} on the way to other servers: the text is lost", plural(lost, "message")),
         "keep the data folder as it is, and restore what is missing from a backup");
  auto orphans = tx.first<std::int64_t>(
                       "select count(*) from queue_recipient r left join queue_message m "
                       "on m.id = r.message_id where m.id is null")
                     .value_or(0);
  if (orphans > 0)
    tell(findings, Weight::error,
         fmt::format("{} of outbound mail without a message", plural(orphans, "recipient")),
         "please report it as a bug");
}

// ---- What an operator should know of

void check_doubt(sql::Tx& tx, std::vector<Finding>& findings) {
  auto count =
      tx.first<std::int64_t>("select count(*) from queue_recipient where state = 6").value_or(0);
  if (count == 0) return;
  tell(findings, Weight::warning,
       fmt::format("{} in doubt: the server stopped while sending, and the mail may have arrived",
                   plural(count, "recipient")),
       "todoke queue list --state in-doubt shows them; retry or cancel each");
}

void check_age(sql::Tx& tx, Time now, std::vector<Finding>& findings) {
  auto oldest = tx.first<std::int64_t, Time>(
      "select m.id, m.created_at from queue_message m where m.remaining > 0 and exists "
      "(select 1 from queue_recipient r where r.message_id = m.id and r.state in (0, 1)) "
      "order by m.created_at limit 1");
  if (!oldest) return;
  auto [id, created_at] = *oldest;
  if (now - created_at < long_wait) return;
  tell(findings, Weight::warning,
       fmt::format("the oldest mail for others, {}, waits for {} hours", id_text(id),
                   hours_since(created_at, now)),
       "todoke queue summary tells where mail waits, todoke queue why " + id_text(id) + " why");
}

void check_holds(sql::Tx& tx, Time now, std::vector<Finding>& findings) {
  for (const auto& hold : queue::read_holds(tx, now).all()) {
    if (hold.until || now - hold.since < long_wait) continue;
    const auto& scope = hold.scope;
    tell(findings, Weight::warning,
         fmt::format("mail for {}{} is held for {} hours by {}: {}",
                     scope.provider.empty() ? "all others" : scope.provider,
                     scope.organisation_id == 0 ? "" : ", of one organisation,",
                     hours_since(hold.since, now), hold.by_whom, hold.reason),
         "todoke queue release, when it is no longer needed");
  }
}

void check_keys(sql::Tx& tx, Time now, std::vector<Finding>& findings) {
  auto take = [&](const sql::Row& row) {
    tell(findings, Weight::warning,
         fmt::format("mail of {} is not signed: it has no DKIM key", row.text(0)),
         "todoke dkim create " + row.get<std::string>(0));
  };
  tx.each(
      "select d.name from domain d where d.state = 0 and not exists (select 1 from dkim_key k "
      "where k.domain = d.name and k.private_key is not null and k.active_from <= $1 "
      "and (k.retired_at is null or k.retired_at > $1)) order by d.name limit 100",
      take, now);
}

// ---- States

struct Stored {
  RecipientId id;
  State state;
  std::vector<EventKind> events;
};

// The recipients behind `after`, with their events: one consistent page.
std::vector<Stored> read_page(sql::Tx& tx, RecipientId after) {
  std::vector<Stored> found;
  auto take = [&](const sql::Row& row) {
    found.push_back({{row.integer(0), row.get<int>(1)}, row.get<State>(2), {}});
  };
  tx.each(
      "select message_id, number, state from queue_recipient where (message_id, number) > ($1, $2) "
      "order by message_id, number limit $3",
      take, after.message, after.number, page);
  if (found.empty()) return found;
  auto at = found.begin();
  auto add = [&](const sql::Row& row) {
    const RecipientId id{row.integer(0), row.get<int>(1)};
    while (at != found.end() && at->id < id) ++at;
    if (at != found.end() && at->id == id) at->events.push_back(row.get<EventKind>(2));
  };
  const auto last = found.back().id;
  tx.each(
      "select message_id, number, kind from queue_event where (message_id, number) > ($1, $2) "
      "and (message_id, number) <= ($3, $4) order by message_id, number, id",
      add, after.message, after.number, last.message, last.number);
  return found;
}

}  // namespace

std::vector<Finding> check_outbound(Installation& in) {
  auto now = in.clock().now();
  bool sends = in.config().outgoing;
  auto query = [&](sql::Tx& tx) {
    std::vector<Finding> findings;
    check_remaining(tx, findings);
    check_texts(tx, findings);
    check_doubt(tx, findings);
    check_age(tx, now, findings);
    check_holds(tx, now, findings);
    if (sends) check_keys(tx, now, findings);
    return findings;
  };
  return block_on(in.db().read(query));
}

Result<> check_states(Installation& in, Progress& progress, std::vector<Finding>& findings) {
  RecipientId after;
  std::uint64_t done = 0;
  int bad = 0;
  for (;;) {
    if (progress.cancelled()) return fail(Errc::unavailable, "the check was stopped");
    auto query = [&](sql::Tx& tx) { return read_page(tx, after); };
    auto stored = block_on(in.db().read(query));
    if (stored.empty()) return {};
    for (const auto& one : stored) {
      auto computed = queue::state_of(one.events);
      if (computed == one.state || ++bad > max_findings) continue;
      tell(
          findings, Weight::error,
          fmt::format("recipient {} of {} is stored as {}, and its events say {}", one.id.number,
                      id_text(one.id.message), queue::to_text(one.state), queue::to_text(computed)),
          "the events are right; please report it as a bug");
    }
    done += stored.size();
    progress.report(done, 0, "recipients");
    after = stored.back().id;
  }
}

std::vector<Finding> check_providers() {
  std::vector<Finding> findings;
  for (auto& fault : provider::faults(provider::Book::built_in()))
    findings.push_back({Weight::error, "providers", std::move(fault),
                        "replies may be misunderstood; please report it as a bug"});
  return findings;
}

}  // namespace todoke::app
