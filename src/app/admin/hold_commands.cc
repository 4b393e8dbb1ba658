// queue hold, release, holds, retry, cancel, expire: what is done with mail that waits.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using directory::Details;
using queue::HoldScope;
using queue::Selection;
using Answer = Task<Result<json::value>>;

std::string recipients_text(std::int64_t count) {
  return fmt::format("{} recipient{}", count, count == 1 ? "" : "s");
}

// What a command did, with how many recipients it was about.
json::value counted(std::string words, std::int64_t recipients) {
  auto answer = done(std::move(words));
  answer.get_object()["recipients"] = recipients;
  return answer;
}

// Nothing is done to everybody by leaving something out.
Result<> check_all(const json::object& args, bool is_empty) {
  if (is_empty != flag(args, "all"))
    return fail(Errc::invalid,
                is_empty ? "say which mail is meant, or --all" : "--all goes with nothing else");
  return {};
}

// ---- Holding

Task<Result<HoldScope>> read_scope(Installation& in, json::object args) {  // NOLINT: outlives
  HoldScope scope;
  CO_TRY(scope.provider, provider_id(text(args, "provider")));
  auto organisation = text_if(args, "org");
  auto id = co_await organisation_id(in, std::move(organisation));
  if (!id) co_return std::unexpected(id.error());
  scope.organisation_id = *id;
  const bool is_everything = scope == HoldScope();
  CO_TRY_OK(check_all(args, is_everything));
  co_return scope;
}

std::string scope_words(const HoldScope& scope, const json::object& args) {
  auto words =
      scope.provider.empty() ? std::string("all mail for others") : "mail for " + scope.provider;
  if (scope.organisation_id != 0) words += " of " + text(args, "org");
  return words;
}

std::int64_t count_waiting(sql::Tx& tx, const HoldScope& scope) {
  return tx
      .first<std::int64_t>(
          "select count(*) from queue_recipient r left join queue_domain d on d.domain = r.domain "
          "where r.state = 0 and ($1 = '' or d.provider = $1) "
          "and ($2 = 0 or r.organisation_id = $2)",
          scope.provider, scope.organisation_id)
      .value_or(0);
}

Task<std::int64_t> waiting_in(Installation& in, HoldScope scope) {  // NOLINT: outlives
  auto query = [&](sql::Tx& tx) { return count_waiting(tx, scope); };
  co_return co_await in.db().read(query);
}

Answer hold(Installation& in, Actor actor, json::object args, Progress&) {
  auto reason = directory::required_line(text(args, "reason"), "the reason");
  if (!reason) co_return fail(Errc::invalid, "say why, for those who find it: --reason TEXT");
  CO_TRY(auto scope, co_await read_scope(in, args));
  CO_TRY_OK(co_await in.queue().hold(scope, actor.name, *reason));
  auto words = scope_words(scope, args);
  Details details;
  details.add("reason", *reason);
  co_await write_audit(in, std::move(actor), scope.organisation_id, "queue.hold", words,
                       std::move(details));
  auto count = co_await waiting_in(in, scope);
  co_return counted(fmt::format("held {}; {} waiting, which does not grow older meanwhile", words,
                                recipients_text(count)),
                    count);
}

Answer release(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto scope, co_await read_scope(in, args));
  auto words = scope_words(scope, args);
  auto released = co_await in.queue().release(scope);
  if (!released && released.error().code == Errc::not_found)
    co_return fail(Errc::not_found, words + " is not held; todoke queue holds has what is");
  if (!released) co_return std::unexpected(released.error());
  Details details;
  co_await write_audit(in, std::move(actor), scope.organisation_id, "queue.release", words,
                       std::move(details));
  auto count = co_await waiting_in(in, scope);
  co_return counted(fmt::format("released {}; {} waiting", words, recipients_text(count)), count);
}

Answer holds(Installation& in, Actor, json::object, Progress&) {
  auto all = co_await in.queue().holds();
  auto names = co_await organisation_names(in);
  auto now = in.clock().now();
  json::array found;
  auto query = [&](sql::Tx& tx) {
    for (const auto& one : all.all()) {
      if (one.until && *one.until <= now) continue;
      const auto& scope = one.scope;
      found.push_back(json::object{
          {"provider", scope.provider.empty() ? json::value("all") : json::value(scope.provider)},
          {"organisation", organisation_json(names, scope.organisation_id)},
          {"since_at", time_json(one.since)},
          {"waiting", count_waiting(tx, scope)},
          {"by_whom", one.by_whom},
          {"reason", one.reason}});
    }
  };
  co_await in.db().read(query);
  co_return found;
}

// ---- Changing what waits

bool is_empty(const Selection& selection) {
  return !selection.message_id && !selection.domain && !selection.provider &&
         !selection.organisation_id;
}

using Change = Task<Result<int>> (queue::Control::*)(Selection, std::string);

Answer change(Installation& in, Actor actor, json::object args, Change what,  // NOLINT: outlives
              std::string action, std::string result) {
  CO_TRY(auto selection, co_await read_selection(in, args));
  CO_TRY_OK(check_all(args, is_empty(selection)));
  auto target = describe(selection, args);
  auto organisation = selection.organisation_id.value_or(0);
  CO_TRY(auto count, co_await (in.queue().*what)(std::move(selection), actor.name));
  Details details;
  details.add("recipients", count);
  co_await write_audit(in, std::move(actor), organisation, std::move(action), std::move(target),
                       std::move(details));
  co_return counted(fmt::format("{} {}", recipients_text(count), result), count);
}

Answer retry(Installation& in, Actor actor, json::object args, Progress&) {
  return change(in, std::move(actor), std::move(args), &queue::Control::retry, "queue.retry",
                "will be tried now");
}

Answer cancel(Installation& in, Actor actor, json::object args, Progress&) {
  return change(in, std::move(actor), std::move(args), &queue::Control::cancel, "queue.cancel",
                "cancelled; no sender is told");
}

Answer expire(Installation& in, Actor actor, json::object args, Progress&) {
  return change(in, std::move(actor), std::move(args), &queue::Control::expire, "queue.expire",
                "given up; the senders are told");
}

// ---- The table

constexpr Parameter all_option{"all", Kind::flag, Place::option,
                               "everything; needed when nothing else says what is meant"};
constexpr Parameter hold_parameters[] = {
    provider_option,
    organisation_option,
    all_option,
    {"reason", Kind::text, Place::option, "why, for whoever finds it held; needed"}};
constexpr Parameter release_parameters[] = {provider_option, organisation_option, all_option};
constexpr Parameter change_parameters[] = {
    {"id", Kind::text, Place::positional, "the message, by its id in queue list"},
    {"recipient", Kind::number, Place::option, "only this recipient of it, counted from 1"},
    provider_option,
    domain_option,
    organisation_option,
    all_option};

constexpr Command table[] = {
    {"queue hold", "Stop sending to a provider, of an organisation, or at all.",
     "Nothing is lost: mail waits, and does not grow older meanwhile unless its author set a firm\n"
     "end.  What is being sent at this moment goes on.\n"
     "Examples:\n  todoke queue hold --provider docomo --reason \"they call; blocked until "
     "Monday\"\n"
     "  todoke queue hold --org \"Sakura Clinic\" --reason \"account was stolen\"\n"
     "  todoke queue hold --all --reason \"moving to another address\"\n"
     "Back again: todoke queue release, with the same options",
     hold_parameters, hold},
    {"queue release", "Send again what was held.",
     "It takes the very options with which it was held.\n"
     "Example:\n  todoke queue release --provider docomo",
     release_parameters, release},
    {"queue holds",
     "Show what is held, since when, by whom and why.",
     "Example:\n  todoke queue holds",
     {},
     holds},
    {"queue retry", "Try recipients now, whatever time was set for them.",
     "Also those in doubt, who may then get a second copy, and those that failed while others of\n"
     "their message still wait.\n"
     "Examples:\n  todoke queue retry 0p6k2m9q00000\n  todoke queue retry --provider docomo",
     change_parameters, retry},
    {"queue cancel", "Give recipients up, and tell nobody.",
     "Examples:\n  todoke queue cancel 0p6k2m9q00000 --recipient 2\n"
     "  todoke queue cancel --org \"Sakura Clinic\" --domain example.com",
     change_parameters, cancel},
    {"queue expire", "Give recipients up as if their time were over: senders are told.",
     "Example:\n  todoke queue expire --domain no-such-server.example", change_parameters, expire},
};

}  // namespace

std::span<const Command> hold_commands() {
  return table;
}

}  // namespace todoke::app
