// queue: the rows as they are.
#include "app/admin/arguments.h"
#include "app/admin/rooms.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using Answer = Task<Result<json::value>>;

json::object message_json(const sql::Row& row) {
  return {{"id", id_text(row.integer(0))},
          {"from", fmt::format("<{}>", row.text(1))},
          {"size_bytes", row.integer(2)},
          {"created_at", time_json(row.get<Time>(3))},
          {"useful_until", time_json(row.get<Time>(4))}};
}

Answer list(Installation& in, Actor, json::object args, Progress&) {
  auto limit = number_if(args, "limit").value_or(100);
  if (limit < 1 || limit > 100'000) co_return fail(Errc::invalid, "limit: from 1 to 100000");
  auto query = [&](sql::Tx& tx) {
    json::array found;
    auto take = [&](const sql::Row& row) {
      auto shown = message_json(row);
      shown["recipients"] = row.integer(5);
      shown["next_attempt_at"] = time_json(row.get<std::optional<Time>>(6));
      found.push_back(std::move(shown));
    };
    tx.each(
        "select m.id, m.reverse_path, m.size, m.created_at, m.useful_until, count(r.number), "
        "min(r.due_at) from queue_message m "
        "left join queue_recipient r on r.message_id = m.id "
        "group by m.id, m.reverse_path, m.size, m.created_at, m.useful_until "
        "order by m.id limit $1",
        take, limit);
    return found;
  };
  co_return co_await in.db().read(query);
}

Answer show(Installation& in, Actor, json::object args, Progress&) {
  auto wanted = text(args, "id");
  auto query = [&](sql::Tx& tx) -> Result<json::value> {
    // People know an id by its text, so it is looked for among the rows.
    std::int64_t id = 0;
    auto match = [&](const sql::Row& row) {
      if (id_text(row.integer(0)) == wanted) id = row.integer(0);
      return id == 0;
    };
    tx.each("select id from queue_message order by id", match);
    json::object shown;
    auto take = [&](const sql::Row& row) { shown = message_json(row); };
    tx.each(
        "select id, reverse_path, size, created_at, useful_until from queue_message "
        "where id = $1",
        take, id);
    if (shown.empty()) return fail(Errc::not_found, "nothing of this id is waiting: " + wanted);
    json::array recipients;
    auto add = [&](const sql::Row& row) {
      recipients.push_back(json::object{{"address", row.text(0)},
                                        {"state", row.integer(1) == 0 ? "waiting" : "ended"},
                                        {"next_attempt_at", time_json(row.get<Time>(2))}});
    };
    tx.each(
        "select address, state, due_at from queue_recipient where message_id = $1 "
        "order by number",
        add, id);
    shown["recipients"] = std::move(recipients);
    return shown;
  };
  co_return co_await in.db().read(query);
}

constexpr Parameter list_parameters[] = {
    {"limit", Kind::number, Place::option, "how many, oldest first (100)"}};
constexpr Parameter show_parameters[] = {
    {"id", Kind::text, Place::required, "its id in queue list"}};

constexpr Command table[] = {
    {"queue list", "List the mail that waits to be sent to other servers.",
     "Example:\n  todoke queue list --limit 20", list_parameters, list},
    {"queue show", "Show one waiting message with its recipients.",
     "Example:\n  todoke queue show 0P6K2M9Q00000", show_parameters, show},
};

}  // namespace

std::span<const Command> queue_commands() {
  return table;
}

}  // namespace todoke::app
