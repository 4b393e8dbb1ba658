#include "queue/standing.h"

#include <fmt/format.h>

namespace todoke::queue {
namespace {

using std::chrono::microseconds;

std::string in_words(microseconds time) {
  auto seconds = std::chrono::ceil<std::chrono::seconds>(time).count();
  auto count = [](std::int64_t number, std::string_view unit) {
    return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
  };
  if (seconds <= 0) return "a moment";
  if (seconds < 120) return count(seconds, "second");
  if (seconds < 2 * 3600) return count((seconds + 30) / 60, "minute");
  if (seconds < 48 * 3600) return count((seconds + 1800) / 3600, "hour");
  return count((seconds + 12 * 3600) / (24 * 3600), "day");
}

// What was said, or what happened instead.
std::string words_of(const Outcome& outcome) {
  if (outcome.code == 0 && outcome.breakdown != smtp::Breakdown::none)
    return fmt::format("{}{}{}", to_text(outcome.breakdown), outcome.text.empty() ? "" : ": ",
                       outcome.text);
  std::string words;
  if (outcome.code != 0) words = fmt::format("{} ", outcome.code);
  if (outcome.enhanced) words += to_text(*outcome.enhanced) + " ";
  words += outcome.text;
  return words;
}

std::string last_words(const Situation& situation) {
  if (!situation.last) return {};
  return fmt::format("the last answer, at {}, was \"{}\"", to_text(situation.last->stage),
                     words_of(*situation.last));
}

std::string whom(const Situation& situation) {
  // A provider that we do not know by name goes by the domain.
  bool is_known = !situation.provider.empty() && !situation.provider.starts_with("generic");
  return is_known ? situation.provider : situation.line.domain;
}

std::string explain_waiting(const Situation& situation, Time now) {
  auto last = last_words(situation);
  auto after = last.empty() ? std::string(".") : "; " + last + ".";
  if (situation.hold)
    return fmt::format("Held by {} for {}, which does not count against its time ({}){}",
                       situation.hold->by_whom, in_words(now - situation.hold->since),
                       situation.hold->reason.empty() ? "no reason given" : situation.hold->reason,
                       after);
  if (!situation.standing) return "Waiting, and no server runs that could send it" + after;
  const auto& standing = *situation.standing;
  if (!standing.sends) return "Waiting: sending is switched off in the configuration" + after;
  if (!standing.trouble.empty())
    return fmt::format(
        "Waiting: the DNS does not tell where {} takes its mail ({}); asked again in {}.",
        situation.line.domain, standing.trouble, in_words(standing.pause));
  if (standing.pause.count() > 0 && standing.refusals > 0)
    return fmt::format(
        "Waiting: {} refuses our mail at present ({} times in a row), so one message "
        "is tried in {}, and all others follow once it is taken{}",
        whom(situation), standing.refusals, in_words(standing.pause), after);
  if (standing.pause.count() > 0)
    return fmt::format("Waiting: the servers of {} cannot be reached; tried again in {}{}",
                       situation.line.domain, in_words(standing.pause), after);
  if (situation.due > now)
    return fmt::format("Waiting for its next try in {}, after {} so far{}",
                       in_words(situation.due - now),
                       situation.attempts == 1 ? "one" : std::to_string(situation.attempts), after);
  if (standing.all_connections_used)
    return fmt::format("Waiting for its turn: as many connections are open as {} allows us.",
                       whom(situation));
  return "Waiting for its turn, which is next" + after;
}

}  // namespace

std::optional<Situation> read_situation(sql::Tx& tx, RecipientId id, Time now) {
  std::optional<Situation> found;
  auto take = [&](const sql::Row& row) {
    found = Situation{.state = row.get<State>(0),
                      .line = {row.get<std::string>(1), row.get<Lane>(2), row.integer(3)},
                      .provider = row.get<std::string>(4),
                      .attempts = row.get<int>(5),
                      .due = row.get<Time>(6),
                      .created_at = row.get<Time>(7),
                      .useful_until = row.get<Time>(8),
                      .is_firm = row.get<bool>(9)};
  };
  tx.each(
      "select r.state, r.domain, r.lane, r.organisation_id, coalesce(d.provider, ''), r.attempts, "
      "r.due_at, m.created_at, m.useful_until, m.firm from queue_recipient r "
      "join queue_message m on m.id = r.message_id left join queue_domain d on d.domain = r.domain "
      "where r.message_id = $1 and r.number = $2",
      take, id.message, id.number);
  if (!found) return {};
  const auto holds = read_holds(tx, now);
  if (const auto* hold = holds.current(found->provider, found->line.organisation_id))
    found->hold = *hold;
  if (auto last = read_last_event(tx, id)) {
    found->last = std::move(last->outcome);
    found->last_at = last->at;
  }
  return found;
}

std::string explain_situation(const Situation& situation, Time now) {
  auto last = last_words(situation);
  switch (situation.state) {
    case State::waiting:
      return explain_waiting(situation, now);
    case State::sending:
      return fmt::format("Being sent to {} right now.", whom(situation));
    case State::delivered:
      return fmt::format("Accepted by {} {} ago: {}.", whom(situation),
                         in_words(now - situation.last_at), last);
    case State::failed:
      return fmt::format("Failed for good {} ago: {}.", in_words(now - situation.last_at), last);
    case State::expired:
      return fmt::format("Given up {} ago, as its time was over: {}.",
                         in_words(now - situation.last_at), words_of(*situation.last));
    case State::cancelled:
      return fmt::format("Cancelled {} ago by {}.", in_words(now - situation.last_at),
                         situation.last ? situation.last->text : "an administrator");
    case State::in_doubt:
      return "In doubt: the server stopped while this was being sent, so it may or may not have "
             "arrived; retry it if a second copy does no harm, or cancel it.";
    case State::returned:
      return fmt::format("Accepted at first and sent back {} ago: {}.",
                         in_words(now - situation.last_at), last);
  }
  return {};
}

}  // namespace todoke::queue
