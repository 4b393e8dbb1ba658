// queue list, summary, unknown: what waits, and how it goes with whom.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "queue/hold.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace todoke::app {
namespace {

using directory::Actor;
using queue::Selection;
using queue::State;
using Answer = Task<Result<json::value>>;

constexpr int any_state = -1;
constexpr int open_state = -2;  // waiting, sending or in doubt

// ---- queue list

struct Listed {
  Selection selection;
  int state = open_state;
  std::int64_t after = 0;
  std::int64_t limit = 100;

  // What is not over stands in an index of its own, oldest first; of what is over the newest is of
  // interest, and nothing has an end.
  bool is_open() const {
    return state == open_state || state == static_cast<int>(State::waiting) ||
           state == static_cast<int>(State::sending);
  }
};

std::vector<std::int64_t> open_messages(sql::Tx& tx, const Listed& wanted) {
  std::vector<std::int64_t> found;
  auto take = [&](const sql::Row& row) { found.push_back(row.integer(0)); };
  auto since = tx.first<Time>("select created_at from queue_message where id = $1", wanted.after);
  tx.each(
      "select m.id from queue_message m where m.remaining > 0 "
      "and (m.created_at, m.id) > ($1, $2) and exists (select 1 from queue_recipient r "
      "left join queue_domain d on d.domain = r.domain where r.message_id = m.id "
      "and (r.state = $3 or ($3 = -2 and r.state in (0, 1, 6))) "
      "and ($4 = '' or r.domain = $4) and ($5 = '' or d.provider = $5) "
      "and ($6 = -1 or r.organisation_id = $6)) order by m.created_at, m.id limit $7",
      take, since.value_or(Time{}), wanted.after, wanted.state,
      wanted.selection.domain.value_or(""), wanted.selection.provider.value_or(""),
      wanted.selection.organisation_id.value_or(-1), wanted.limit);
  return found;
}

std::vector<std::int64_t> past_messages(sql::Tx& tx, const Listed& wanted) {
  std::vector<std::int64_t> found;
  auto take = [&](const sql::Row& row) { found.push_back(row.integer(0)); };
  tx.each(
      "select m.id from queue_message m where m.id < $1 and exists "
      "(select 1 from queue_recipient r left join queue_domain d on d.domain = r.domain "
      "where r.message_id = m.id and ($2 = -1 or r.state = $2) "
      "and ($3 = '' or r.domain = $3) and ($4 = '' or d.provider = $4) "
      "and ($5 = -1 or r.organisation_id = $5)) order by m.id desc limit $6",
      take, wanted.after == 0 ? std::numeric_limits<std::int64_t>::max() : wanted.after,
      wanted.state, wanted.selection.domain.value_or(""), wanted.selection.provider.value_or(""),
      wanted.selection.organisation_id.value_or(-1), wanted.limit);
  return found;
}

// How many recipients there are in which state, and when the first of them is tried next.
struct Recipients {
  json::object by_state;
  std::optional<Time> next;
};
Recipients read_recipients(sql::Tx& tx, std::int64_t message_id) {
  Recipients found;
  auto take = [&](const sql::Row& row) {
    auto state = row.get<State>(0);
    found.by_state[queue::to_text(state)] = row.integer(1);
    if (state == State::waiting) found.next = row.get<Time>(2);
  };
  tx.each(
      "select state, count(*), min(due_at) from queue_recipient where message_id = $1 "
      "group by state order by state",
      take, message_id);
  return found;
}

struct LastAnswer {
  Time at{};
  std::string words;
};
std::optional<LastAnswer> read_last_answer(sql::Tx& tx, queue::RecipientId id) {
  std::optional<LastAnswer> found;
  auto take = [&](const sql::Row& row) {
    const queue::Outcome outcome{.breakdown = row.get<smtp::Breakdown>(1),
                                 .code = row.get<int>(2),
                                 .enhanced = smtp::parse_enhanced_code(row.text(3)),
                                 .text = row.get<std::string>(4)};
    found = LastAnswer{row.get<Time>(0), answer_words(outcome)};
  };
  // All but the beginnings of attempts, and those that did not count.
  tx.each(
      "select at, breakdown, code, enhanced, text from queue_event where message_id = $1 "
      "and number = $2 and kind not in (1, 13) order by id desc limit 1",
      take, id.message, id.number);
  return found;
}

json::value last_answer_json(const std::optional<LastAnswer>& answer) {
  return answer ? json::value(shortened(answer->words)) : json::value(nullptr);
}

// Of the first recipient that the list is about.
json::value last_answer_of(sql::Tx& tx, std::int64_t message_id, const Listed& wanted) {
  auto number = tx.first<int>(
      "select r.number from queue_recipient r left join queue_domain d on d.domain = r.domain "
      "where r.message_id = $1 and ($2 = -1 or r.state = $2 or ($2 = -2 and r.state in (0, 1, 6))) "
      "and ($3 = '' or r.domain = $3) and ($4 = '' or d.provider = $4) order by r.number limit 1",
      message_id, wanted.state, wanted.selection.domain.value_or(""),
      wanted.selection.provider.value_or(""));
  return last_answer_json(read_last_answer(tx, {message_id, number.value_or(1)}));
}

json::object list_row(sql::Tx& tx, std::int64_t id, const Listed& wanted, Time now) {
  json::object shown{{"id", id_text(id)}};
  auto recipients = read_recipients(tx, id);
  auto take = [&](const sql::Row& row) {
    shown["from"] = fmt::format("<{}>", row.text(0));
    shown["recipients"] = std::move(recipients.by_state);
    shown["lane"] = lane_name(row.get<queue::Lane>(1));
    shown["age_seconds"] = std::chrono::floor<std::chrono::seconds>(now - row.get<Time>(2)).count();
    shown["useful_until"] = time_json(row.get<Time>(3));
    shown["next_attempt_at"] = time_json(recipients.next);
    shown["last_answer"] = last_answer_of(tx, id, wanted);
  };
  tx.each("select reverse_path, lane, created_at, useful_until from queue_message where id = $1",
          take, id);
  return shown;
}

Result<std::int64_t> read_limit(const json::object& args, std::int64_t usual) {
  auto limit = number_if(args, "limit").value_or(usual);
  if (limit < 1 || limit > 100'000) return fail(Errc::invalid, "limit: from 1 to 100000");
  return limit;
}

Answer list(Installation& in, Actor, json::object args, Progress&) {
  Listed wanted;
  CO_TRY(wanted.limit, read_limit(args, 100));
  if (auto after = text_if(args, "after")) {
    CO_TRY(wanted.after, message_id(*after));
  }
  if (auto state = text(args, "state"); state == "any")
    wanted.state = any_state;
  else if (auto one = queue::parse_state(state))
    wanted.state = static_cast<int>(*one);
  CO_TRY(wanted.selection, co_await read_selection(in, args));
  auto now = in.clock().now();
  auto query = [&](sql::Tx& tx) {
    json::array found;
    for (auto id : wanted.is_open() ? open_messages(tx, wanted) : past_messages(tx, wanted))
      found.push_back(list_row(tx, id, wanted, now));
    return found;
  };
  co_return co_await in.db().read(query);
}

// ---- queue summary

struct Sum {
  std::string provider;
  std::int64_t waiting = 0;
  std::int64_t sending = 0;
  std::int64_t in_doubt = 0;
  std::int64_t held = 0;  // of those that wait
  std::optional<Time> oldest;
  std::optional<Time> next;
  std::optional<LastAnswer> last;

  void add(const Sum& other) {
    waiting += other.waiting;
    sending += other.sending;
    in_doubt += other.in_doubt;
    held += other.held;
    if (other.oldest) oldest = std::min(oldest.value_or(*other.oldest), *other.oldest);
    if (other.next) next = std::min(next.value_or(*other.next), *other.next);
    if (other.last && (!last || last->at < other.last->at)) last = other.last;
  }
  std::int64_t all() const { return waiting + sending + in_doubt; }
  std::string_view held_words() const {
    if (held == 0) return "no";
    return held == waiting ? "yes" : "partly";
  }
};
using Sums = std::map<std::string, Sum>;

Sums read_sums(sql::Tx& tx, const queue::Holds& holds) {
  Sums domains;
  auto take = [&](const sql::Row& row) {
    Sum part{.provider = row.get<std::string>(1)};
    auto count = row.integer(4);
    auto state = row.get<State>(3);
    if (state == State::waiting) {
      part.waiting = count;
      part.next = row.get<Time>(6);
      if (holds.current(part.provider, row.integer(2)) != nullptr) part.held = count;
    } else {
      (state == State::sending ? part.sending : part.in_doubt) = count;
    }
    part.oldest = row.get<Time>(5);
    auto& domain = domains[row.get<std::string>(0)];
    domain.provider = part.provider;
    domain.add(part);
  };
  tx.each(
      "select r.domain, coalesce(d.provider, ''), r.organisation_id, r.state, count(*), "
      "min(m.created_at), min(r.due_at) from queue_message m "
      "join queue_recipient r on r.message_id = m.id "
      "left join queue_domain d on d.domain = r.domain "
      "where m.remaining > 0 and r.state in (0, 1, 6) "
      "group by r.domain, d.provider, r.organisation_id, r.state",
      take);
  return domains;
}

// Of the recipient there whose next try was put off the furthest: as a rule, the one tried last.
std::optional<LastAnswer> last_answer_at(sql::Tx& tx, const std::string& domain) {
  auto found = tx.first<std::int64_t, int>(
      "select message_id, number from queue_recipient where state = 0 and domain = $1 "
      "and attempts > 0 order by due_at desc limit 1",
      domain);
  if (!found) return {};
  return read_last_answer(tx, {std::get<0>(*found), std::get<1>(*found)});
}

json::object sum_json(std::string_view title, const std::string& name, const Sum& sum, Time now) {
  json::object shown{{title, name}};
  if (title == "domain") shown["provider"] = sum.provider;
  shown["waiting"] = sum.waiting;
  shown["in_flight"] = sum.sending;
  shown["in_doubt"] = sum.in_doubt;
  shown["oldest_seconds"] =
      std::chrono::floor<std::chrono::seconds>(now - sum.oldest.value_or(now)).count();
  shown["next_attempt_at"] = time_json(sum.next);
  shown["held"] = sum.held_words();
  shown["last_answer"] = last_answer_json(sum.last);
  return shown;
}

// Those with most mail first.
std::vector<Sums::const_pointer> by_size(const Sums& sums) {
  std::vector<Sums::const_pointer> order;
  for (const auto& one : sums) order.push_back(&one);
  std::ranges::sort(order, [](auto* a, auto* b) {
    auto here = a->second.all();
    auto there = b->second.all();
    return here != there ? here > there : a->first < b->first;
  });
  return order;
}

Answer summary(Installation& in, Actor, json::object args, Progress&) {
  CO_TRY(auto limit, read_limit(args, 30));
  auto now = in.clock().now();
  auto query = [&](sql::Tx& tx) {
    auto domains = read_sums(tx, queue::read_holds(tx, now));
    auto shown = by_size(domains);
    if (std::ssize(shown) > limit) shown.resize(static_cast<std::size_t>(limit));
    for (const auto* one : shown) domains[one->first].last = last_answer_at(tx, one->first);
    Sums providers;
    for (const auto& [name, sum] : domains) providers[sum.provider].add(sum);
    json::array provider_rows, domain_rows;
    for (const auto* one : by_size(providers))
      provider_rows.push_back(sum_json("provider", one->first, one->second, now));
    for (const auto* one : shown)
      domain_rows.push_back(sum_json("domain", one->first, one->second, now));
    return json::object{{"domains_left_out", std::ssize(domains) - std::ssize(shown)},
                        {"providers", std::move(provider_rows)},
                        {"domains", std::move(domain_rows)}};
  };
  co_return co_await in.db().read(query);
}

// ---- queue unknown

Answer forget_unknown(Installation& in, Actor actor, std::string provider) {
  auto write = [&](sql::Tx& tx) {
    return tx.run("delete from queue_unknown_reply where ($1 = '' or provider = $1)", provider);
  };
  auto count = co_await in.db().write(write);
  directory::Details details;
  details.add("replies", count);
  co_await write_audit(in, std::move(actor), 0, "queue.unknown.forget", provider,
                       std::move(details));
  auto answer = done(fmt::format("forgot {} {}", count, count == 1 ? "reply" : "replies"));
  answer.get_object()["replies"] = count;
  co_return answer;
}

Answer unknown(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto limit, read_limit(args, 50));
  CO_TRY(auto provider, provider_id(text(args, "provider")));
  if (flag(args, "forget")) co_return co_await forget_unknown(in, std::move(actor), provider);
  auto query = [&](sql::Tx& tx) {
    json::array found;
    auto take = [&](const sql::Row& row) {
      found.push_back(json::object{{"times", row.integer(0)},
                                   {"provider", row.text(1)},
                                   {"stage", smtp::to_text(row.get<smtp::Stage>(2))},
                                   {"first_at", time_json(row.get<Time>(3))},
                                   {"last_at", time_json(row.get<Time>(4))},
                                   {"example", row.text(5)}});
    };
    tx.each(
        "select times, provider, stage, first_at, last_at, example from queue_unknown_reply "
        "where ($1 = '' or provider = $1) order by times desc, last_at desc limit $2",
        take, provider, limit);
    return found;
  };
  co_return co_await in.db().read(query);
}

// ---- The table

constexpr Parameter list_parameters[] = {
    provider_option,
    organisation_option,
    domain_option,
    {"state", Kind::text, Place::option,
     "recipients in this state (open: waiting, being sent or in doubt)",
     "open waiting sending in-doubt delivered failed expired cancelled returned any"},
    {"limit", Kind::number, Place::option, "how many (100)"},
    {"after", Kind::text, Place::option, "go on behind the message with this id"}};
constexpr Parameter summary_parameters[] = {
    {"limit", Kind::number, Place::option, "how many domains, those with most mail first (30)"}};
constexpr Parameter unknown_parameters[] = {
    provider_option,
    {"limit", Kind::number, Place::option, "how many, the most frequent first (50)"},
    {"forget", Kind::flag, Place::option, "count anew from now on"}};

constexpr Command table[] = {
    {"queue list", "List the mail that waits to be sent to other servers.",
     "A message is shown when one of its recipients fits.  What waits comes oldest first, what is\n"
     "over newest first; --after with the last id shown goes on from there.\n"
     "Examples:\n  todoke queue list --provider docomo --limit 20\n"
     "  todoke queue list --state failed --domain example.com\n"
     "Next: todoke queue show ID, todoke queue why ID",
     list_parameters, list},
    {"queue summary", "Show how much waits, by provider and by domain.",
     "Recipients are counted: those that wait, are being sent (in flight), and are in doubt "
     "because\n"
     "the server stopped in the middle; with the age of the oldest, when the next one is tried, "
     "and\n"
     "what was answered last.\n"
     "Example:\n  todoke queue summary",
     summary_parameters, summary},
    {"queue unknown", "Show replies of other servers that no rule knows, by count.",
     "Mail that got one is tried again in case of doubt.  Tell us about frequent ones, so that "
     "the\n"
     "next edition of the rules knows them; addresses in the examples are of your recipients.\n"
     "Examples:\n  todoke queue unknown --provider docomo\n  todoke queue unknown --forget",
     unknown_parameters, unknown},
};

}  // namespace

std::span<const Command> queue_commands() {
  return table;
}

}  // namespace todoke::app
