// queue show, why: one message, all that happened to it, and why it is where it is.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "provider/reply_class.h"

#include <fmt/format.h>

#include <vector>

namespace todoke::app {
namespace {

using directory::Actor;
using queue::RecipientId;
using queue::State;
using Answer = Task<Result<json::value>>;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::array lines_of(std::string_view text) {
  json::array lines;
  while (!text.empty()) {
    auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

json::object event_json(const sql::Row& row) {
  auto kind = row.get<queue::EventKind>(1);
  auto breakdown = row.get<smtp::Breakdown>(3);
  bool has_stage = kind == queue::EventKind::delivered || kind == queue::EventKind::deferred ||
                   kind == queue::EventKind::failed || kind == queue::EventKind::returned;
  json::object shown{{"at", time_json(row.get<Time>(0))}, {"event", queue::to_text(kind)}};
  shown["stage"] = text_or_null(has_stage ? smtp::to_text(row.get<smtp::Stage>(2)) : "");
  shown["breakdown"] =
      text_or_null(breakdown == smtp::Breakdown::none ? "" : smtp::to_text(breakdown));
  shown["code"] = row.integer(4) != 0 ? json::value(row.integer(4)) : json::value(nullptr);
  shown["enhanced"] = text_or_null(row.text(5));
  shown["text"] = row.text(6);
  shown["class"] = row.integer(7) != 0
                       ? json::value(provider::to_text(row.get<provider::ReplyClass>(7)))
                       : json::value(nullptr);
  shown["rule"] = text_or_null(row.text(8));
  shown["latency_ms"] = static_cast<double>(row.integer(9)) / 1000;
  shown["provider"] = text_or_null(row.text(11));
  shown["host"] = text_or_null(row.text(12));
  shown["address"] = text_or_null(row.text(13));
  shown["source"] = text_or_null(row.text(14));
  shown["tls"] = text_or_null(row.text(15));
  shown["dialogue"] = lines_of(row.text(10));
  return shown;
}

json::array read_events(sql::Tx& tx, RecipientId id) {
  json::array events;
  auto take = [&](const sql::Row& row) { events.push_back(event_json(row)); };
  tx.each(
      "select e.at, e.kind, e.stage, e.breakdown, e.code, e.enhanced, e.text, e.reply_class, "
      "e.rule, e.latency, e.dialogue, coalesce(c.provider, ''), coalesce(c.host, ''), "
      "coalesce(c.address, ''), coalesce(c.source, ''), coalesce(c.tls, '') "
      "from queue_event e left join queue_connection c on c.id = e.connection_id "
      "where e.message_id = $1 and e.number = $2 order by e.id",
      take, id.message, id.number);
  return events;
}

// With the recipients still to come.
std::optional<json::object> read_message(sql::Tx& tx, std::int64_t id,
                                         const std::map<std::int64_t, std::string>& names) {
  std::optional<json::object> shown;
  auto take = [&](const sql::Row& row) {
    shown = json::object{{"id", id_text(id)},
                         {"from", fmt::format("<{}>", row.text(0))},
                         {"organisation", organisation_json(names, row.integer(1))},
                         {"submitted_by", text_or_null(row.text(2))},
                         {"size_bytes", row.integer(3)},
                         {"lane", lane_name(row.get<queue::Lane>(4))},
                         {"needs_tls", row.get<bool>(5)},
                         {"envelope_id", text_or_null(row.text(6))},
                         {"text_is_kept", row.integer(7) != 0},
                         {"created_at", time_json(row.get<Time>(8))},
                         {"useful_until", time_json(row.get<Time>(9))}};
  };
  tx.each(
      "select m.reverse_path, m.organisation_id, coalesce((select a.local || '@' || a.domain "
      "from address a where a.account_id = m.account_id and a.kind = 0), ''), m.size, m.lane, "
      "m.require_tls, m.envid, m.blob_id, m.created_at, m.useful_until "
      "from queue_message m where m.id = $1",
      take, id);
  return shown;
}

// Up to `limit` recipients of a message, or the one of that number.
json::array read_recipients(sql::Tx& tx, std::int64_t message_id, std::optional<int> number,
                            std::int64_t limit) {
  json::array recipients;
  auto take = [&](const sql::Row& row) {
    auto state = row.get<State>(2);
    recipients.push_back(
        json::object{{"number", row.integer(0)},
                     {"address", row.text(1)},
                     {"state", queue::to_text(state)},
                     {"provider", text_or_null(row.text(3))},
                     {"attempts", row.integer(4)},
                     {"next_attempt_at", state == State::waiting ? time_json(row.get<Time>(5))
                                                                 : json::value(nullptr)}});
  };
  tx.each(
      "select r.number, r.address, r.state, coalesce(d.provider, ''), r.attempts, r.due_at "
      "from queue_recipient r left join queue_domain d on d.domain = r.domain "
      "where r.message_id = $1 and ($2 = 0 or r.number = $2) order by r.number limit $3",
      take, message_id, number.value_or(0), limit);
  return recipients;
}

Result<std::optional<int>> read_number(const json::object& args) {
  auto number = number_if(args, "recipient");
  if (!number) return std::optional<int>();
  if (*number < 1 || *number > 1'000'000)
    return fail(Errc::invalid, "recipients are counted from 1");
  return std::optional(static_cast<int>(*number));
}

// Adds to each recipient the sentence that explains it.
Task<Result<>> explain_each(Installation& in, std::int64_t message_id,  // NOLINT: outlives
                            json::array& recipients) {                  // NOLINT: the caller's
  for (auto& one : recipients) {
    auto& shown = one.get_object();
    const RecipientId id{message_id, shown["number"].to_number<int>()};
    auto why = co_await in.queue().explain(id);
    if (!why) co_return std::unexpected(why.error());
    shown["why"] = *std::move(why);
  }
  co_return Result<>();
}

Answer show(Installation& in, Actor, json::object args, Progress&) {
  CO_TRY(auto id, message_id(text(args, "id")));
  CO_TRY(auto number, read_number(args));
  auto limit = number_if(args, "limit").value_or(20);
  if (limit < 1 || limit > 10'000) co_return fail(Errc::invalid, "limit: from 1 to 10000");
  auto names = co_await organisation_names(in);
  std::optional<json::object> message;
  json::array recipients;
  std::int64_t all = 0;
  auto query = [&](sql::Tx& tx) {
    message = read_message(tx, id, names);
    recipients = read_recipients(tx, id, number, limit);
    all = tx.first<std::int64_t>("select count(*) from queue_recipient where message_id = $1", id)
              .value_or(0);
  };
  co_await in.db().read(query);
  if (!message || recipients.empty())
    co_return fail(Errc::not_found, "there is no such message or recipient");
  (*message)["recipient_count"] = all;
  CO_TRY_OK(co_await explain_each(in, id, recipients));
  auto add_events = [&](sql::Tx& tx) {
    for (auto& one : recipients) {
      auto& shown = one.get_object();
      shown["events"] = read_events(tx, {id, shown["number"].to_number<int>()});
    }
  };
  co_await in.db().read(add_events);
  (*message)["recipients"] = std::move(recipients);
  co_return *std::move(message);
}

Answer why(Installation& in, Actor, json::object args, Progress&) {
  CO_TRY(auto id, message_id(text(args, "id")));
  CO_TRY(auto number, read_number(args));
  constexpr std::int64_t most = 100;
  auto query = [&](sql::Tx& tx) { return read_recipients(tx, id, number, most); };
  auto recipients = co_await in.db().read(query);
  if (recipients.empty()) co_return fail(Errc::not_found, "there is no such message or recipient");
  CO_TRY_OK(co_await explain_each(in, id, recipients));
  if (recipients.size() == 1) co_return done(std::string(recipients[0].at("why").get_string()));
  json::array found;
  for (const auto& one : recipients)
    found.push_back(json::object{
        {"number", one.at("number")}, {"address", one.at("address")}, {"why", one.at("why")}});
  co_return found;
}

constexpr Parameter show_parameters[] = {
    {"id", Kind::text, Place::required, "its id in queue list"},
    {"recipient", Kind::number, Place::option, "only this one; they are counted from 1"},
    {"limit", Kind::number, Place::option, "how many recipients (20)"}};
constexpr Parameter why_parameters[] = {
    {"id", Kind::text, Place::required, "its id in queue list"},
    {"recipient", Kind::number, Place::positional, "which recipient; they are counted from 1"}};

constexpr Command table[] = {
    {"queue show", "Show a message on its way: its recipients, and all that happened to each.",
     "Every attempt with its time, the server, its answer and what we made of it; of what went\n"
     "wrong also the dialogue: > is us, < the other server.\n"
     "Examples:\n  todoke queue show 0p6k2m9q00000\n"
     "  todoke queue show 0p6k2m9q00000 --recipient 3 --json",
     show_parameters, show},
    {"queue why", "Say in one sentence why a message is where it is, and what happens next.",
     "With several recipients there is a sentence for each.\n"
     "Examples:\n  todoke queue why 0p6k2m9q00000\n  todoke queue why 0p6k2m9q00000 3",
     why_parameters, why},
};

}  // namespace

std::span<const Command> queue_show_commands() {
  return table;
}

}  // namespace todoke::app
