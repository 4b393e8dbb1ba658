#include "queue/hold.h"

#include <algorithm>

namespace todoke::queue {

const Hold* Holds::current(std::string_view provider, std::int64_t organisation_id) const {
  for (const auto& hold : holds_)
    if (!hold.until && hold.scope.covers(provider, organisation_id)) return &hold;
  return nullptr;
}

std::chrono::microseconds Holds::held_between(std::string_view provider,
                                              std::int64_t organisation_id, Time from,
                                              Time to) const {
  std::chrono::microseconds sum{0};
  for (const auto& hold : holds_) {
    if (!hold.scope.covers(provider, organisation_id)) continue;
    auto begin = std::max(hold.since, from);
    auto end = std::min(hold.until.value_or(to), to);
    if (end <= begin) continue;
    sum += end - begin;
    from = end;  // they are sorted by their beginning
  }
  return sum;
}

Holds read_holds(sql::Tx& tx, Time since) {
  std::vector<Hold> holds;
  auto take = [&](const sql::Row& row) {
    holds.push_back({.id = row.integer(0),
                     .scope = {row.get<std::string>(1), row.integer(2)},
                     .since = row.get<Time>(3),
                     .until = row.get<std::optional<Time>>(4),
                     .by_whom = row.get<std::string>(5),
                     .reason = row.get<std::string>(6)});
  };
  tx.each(
      "select id, provider, organisation_id, since, until, by_whom, reason from queue_hold "
      "where until is null or until >= $1 order by since, id",
      take, since);
  return Holds(std::move(holds));
}

Result<> begin_hold(sql::Tx& tx, const Hold& hold) {
  auto there = tx.first<std::int64_t>(
      "select id from queue_hold where provider = $1 and organisation_id = $2 and until is null",
      hold.scope.provider, hold.scope.organisation_id);
  if (there) return fail(Errc::conflict, "this is held already");
  tx.run(
      "insert into queue_hold (id, provider, organisation_id, since, by_whom, reason) "
      "values ($1, $2, $3, $4, $5, $6)",
      hold.id, hold.scope.provider, hold.scope.organisation_id, hold.since, hold.by_whom,
      hold.reason);
  return {};
}

int end_hold(sql::Tx& tx, const HoldScope& scope, Time now) {
  return static_cast<int>(
      tx.run("update queue_hold set until = $3 "
             "where provider = $1 and organisation_id = $2 and until is null",
             scope.provider, scope.organisation_id, now));
}

}  // namespace todoke::queue
