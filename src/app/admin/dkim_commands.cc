// dkim: the keys with which we sign what we send, and what DNS must say of them.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "directory/names.h"
#include "trust/dkim_key.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::app {
namespace {

using directory::Actor;
using directory::Details;
using trust::DkimKey;
using trust::DkimKeyState;
using Answer = Task<Result<json::value>>;
using Keys = std::vector<DkimKey>;

std::string_view state_name(DkimKeyState state) {
  switch (state) {
    case DkimKeyState::waiting:
      return "waiting";
    case DkimKeyState::active:
      return "signs";
    case DkimKeyState::retired:
      return "retired";
    case DkimKeyState::gone:
      return "gone";
  }
  std::unreachable();
}

Task<Result<directory::Domain>> our_domain(Installation& in,  // NOLINT: outlives
                                           std::string name) {
  auto folded = directory::fold_domain(name);
  auto all = co_await in.directory().domains(std::nullopt);
  auto found = std::ranges::find(all, folded, &directory::Domain::name);
  if (found == all.end())
    co_return fail(Errc::not_found, fmt::format("{} is no domain of ours; todoke domain list has "
                                                "them, todoke domain add adds one",
                                                name));
  co_return *found;
}

json::object key_json(const DkimKey& key, Time now) {
  return {{"domain", key.domain},
          {"selector", key.selector},
          {"algorithm", key.algorithm == crypto::KeyAlgorithm::rsa ? "rsa" : "ed25519"},
          {"state", state_name(trust::state_of(key, now))},
          {"created_at", time_json(key.created_at)},
          {"signs_from_at", time_json(key.active_from)},
          {"signs_until_at", time_json(key.retired_at)}};
}

// What to do with the records, in plain words.
std::string advice(const Keys& keys, Time now) {
  auto of_state = [&](DkimKeyState state) {
    return std::ranges::find(keys, state, [&](const DkimKey& key) { return state_of(key, now); });
  };
  if (auto waiting = of_state(DkimKeyState::waiting); waiting != keys.end())
    return fmt::format(
        "enter all of these lines in the zone before {}, when the new keys begin "
        "to sign; if that cannot be done, todoke dkim cancel-rotation {}",
        to_rfc3339(waiting->active_from).substr(0, 10), waiting->domain);
  if (of_state(DkimKeyState::active) == keys.end()) return "nothing signs for this domain";
  if (of_state(DkimKeyState::gone) != keys.end())
    return "these lines must stand in the zone; other selectors of ours may be taken out";
  return "enter these lines in the zone of the domain, or their name and value in the form of "
         "your DNS provider, and leave them there";
}

json::object records_json(const Keys& keys, Time now) {
  json::array records, lines;
  for (const auto& record : trust::dkim_records(keys, now)) {
    records.push_back(json::object{{"name", record.name}, {"value", record.value}});
    lines.emplace_back(trust::zone_line(record));
  }
  return {{"next", advice(keys, now)}, {"dns", std::move(records)}, {"zone", std::move(lines)}};
}

Task<json::value> whole_answer(Installation& in, std::string domain) {  // NOLINT: outlives
  auto keys = co_await in.dkim_keys().keys(domain);
  auto now = in.clock().now();
  json::array rows;
  for (const auto& key : keys)
    if (trust::state_of(key, now) != DkimKeyState::gone) rows.push_back(key_json(key, now));
  auto answer = records_json(keys, now);
  answer["domain"] = domain;
  answer["keys"] = std::move(rows);
  co_return answer;
}

Task<> audit_change(Installation& in, Actor actor, directory::Domain domain,  // NOLINT: outlives
                    std::string action, Keys fresh) {
  Details details;
  for (const auto& key : fresh)
    details.add(key.algorithm == crypto::KeyAlgorithm::rsa ? "rsa" : "ed25519", key.selector);
  co_await write_audit(in, std::move(actor), domain.organisation_id, std::move(action), domain.name,
                       std::move(details));
}

Answer create(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto domain, co_await our_domain(in, text(args, "domain")));
  auto made = co_await in.dkim_keys().create(domain.name);
  if (!made && made.error().code == Errc::conflict)
    co_return fail(Errc::conflict, fmt::format("{} has keys already: todoke dkim records {} shows "
                                               "them, todoke dkim rotate {} makes new ones",
                                               domain.name, domain.name, domain.name));
  if (!made) co_return std::unexpected(made.error());
  co_await audit_change(in, std::move(actor), domain, "dkim.create", *std::move(made));
  co_return co_await whole_answer(in, domain.name);
}

Answer rotate(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto domain, co_await our_domain(in, text(args, "domain")));
  std::chrono::microseconds publishing_time = trust::dkim_publishing_time;
  if (auto after = text_if(args, "after")) {
    CO_TRY(publishing_time, parse_duration(*after));
    if (publishing_time < std::chrono::minutes(10))
      co_return fail(Errc::invalid, "--after: ten minutes at least, for the records to be found");
  }
  auto made = co_await in.dkim_keys().rotate(domain.name, publishing_time);
  if (!made && made.error().code == Errc::not_found)
    co_return fail(Errc::not_found, fmt::format("{} has no keys yet: todoke dkim create {}",
                                                domain.name, domain.name));
  if (!made) co_return std::unexpected(made.error());
  co_await audit_change(in, std::move(actor), domain, "dkim.rotate", *std::move(made));
  co_return co_await whole_answer(in, domain.name);
}

Answer cancel_rotation(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto domain, co_await our_domain(in, text(args, "domain")));
  CO_TRY_OK(co_await in.dkim_keys().cancel_rotation(domain.name));
  Keys none;
  co_await audit_change(in, std::move(actor), domain, "dkim.cancel_rotation", std::move(none));
  co_return done("the present keys of " + domain.name + " go on signing");
}

Answer list(Installation& in, Actor, json::object args, Progress&) {
  std::vector<directory::Domain> domains;
  if (auto name = text_if(args, "domain")) {
    CO_TRY(auto domain, co_await our_domain(in, *name));
    domains.push_back(std::move(domain));
  } else {
    domains = co_await in.directory().domains(std::nullopt);
  }
  auto now = in.clock().now();
  json::array found;
  for (const auto& domain : domains) {
    auto keys = co_await in.dkim_keys().keys(domain.name);
    for (const auto& key : keys) found.push_back(key_json(key, now));
  }
  co_return found;
}

Answer records(Installation& in, Actor, json::object args, Progress&) {
  CO_TRY(auto domain, co_await our_domain(in, text(args, "domain")));
  auto keys = co_await in.dkim_keys().keys(domain.name);
  if (keys.empty())
    co_return fail(Errc::not_found, fmt::format("{} has no keys yet: todoke dkim create {}",
                                                domain.name, domain.name));
  co_return records_json(keys, in.clock().now());
}

constexpr Parameter domain_parameter{"domain", Kind::text, Place::required,
                                     "a domain of ours, such as example.jp"};
constexpr Parameter one_domain[] = {domain_parameter};
constexpr Parameter rotate_parameters[] = {
    domain_parameter,
    {"after", Kind::text, Place::option,
     "when the new keys begin to sign: 12h, 2d, 1w (2d); enter the records before"}};
constexpr Parameter list_parameters[] = {
    {"domain", Kind::text, Place::positional, "only of this domain"}};

constexpr Command table[] = {
    {"dkim create", "Make the keys that sign what a domain sends, and show their DNS records.",
     "The large providers take unsigned mail for junk, or not at all.  The keys sign at once; "
     "until\n"
     "the records are in DNS, a signature is worth as much as none.\n"
     "Example:\n  todoke dkim create sakura.example.jp",
     one_domain, create},
    {"dkim rotate", "Make new keys, which take over once their DNS records are published.",
     "Example:\n  todoke dkim rotate sakura.example.jp --after 3d\n"
     "Back again: todoke dkim cancel-rotation sakura.example.jp",
     rotate_parameters, rotate},
    {"dkim cancel-rotation", "Take new keys back before they sign: the present ones go on.",
     "Example:\n  todoke dkim cancel-rotation sakura.example.jp", one_domain, cancel_rotation},
    {"dkim list", "List the keys that sign, will sign or did.",
     "Private keys are never shown.\nExample:\n  todoke dkim list", list_parameters, list},
    {"dkim records", "Show the DNS records that a domain's keys need now.",
     "Example:\n  todoke dkim records sakura.example.jp", one_domain, records},
};

}  // namespace

std::span<const Command> dkim_commands() {
  return table;
}

}  // namespace todoke::app
