// org, domain, audit.
#include "app/admin/arguments.h"
#include "app/admin/rooms.h"
#include "directory/names.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using directory::State;
using Answer = Task<Result<json::value>>;

std::string_view state_name(State state) {
  switch (state) {
    case State::active:
      return "active";
    case State::suspended:
      return "suspended";
    case State::deleted:
      return "deleted";
  }
  std::unreachable();
}

json::object to_json(const directory::Organisation& organisation) {
  return {{"name", organisation.name},
          {"locale", organisation.locale},
          {"state", state_name(organisation.state)},
          {"quota_bytes", or_null(organisation.quota_bytes)},
          {"created_at", time_json(organisation.created_at)}};
}

// With what its accounts hold.
Task<json::object> with_use(Installation& in, directory::Organisation organisation) {  // NOLINT
  auto shown = to_json(organisation);
  shown["used_bytes"] = co_await in.store().organisation_bytes(organisation.id);
  co_return shown;
}

json::object to_json(const directory::Domain& domain) {
  return {{"name", domain.name},
          {"organisation", domain.organisation},
          {"catch_all", or_null(domain.catch_all)},
          {"state", state_name(domain.state)}};
}

Answer org_add(Installation& in, Actor actor, json::object args, Progress&) {
  directory::NewOrganisation wanted{.name = text(args, "name"),
                                    .quota_bytes = number_if(args, "quota")};
  if (auto locale = text_if(args, "locale")) wanted.locale = *locale;
  auto made = co_await in.directory().create_organisation(std::move(actor), std::move(wanted));
  if (!made) co_return std::unexpected(made.error());
  co_return to_json(*made);
}

Answer org_list(Installation& in, Actor, json::object, Progress&) {
  auto all = co_await in.directory().organisations();
  json::array found;
  for (const auto& one : all) {
    auto shown = co_await with_use(in, one);
    found.push_back(std::move(shown));
  }
  co_return found;
}

Answer org_show(Installation& in, Actor, json::object args, Progress&) {
  auto name = text(args, "name");
  auto all = co_await in.directory().organisations();
  for (const auto& one : all) {
    if (one.name != name) continue;
    auto shown = co_await with_use(in, one);
    auto domains = co_await in.directory().domains(name);
    json::array names;
    std::int64_t accounts = 0;
    for (const auto& domain : domains) {
      names.emplace_back(domain.name);
      auto members = co_await in.directory().accounts(domain.name);
      accounts += static_cast<std::int64_t>(members.size());
    }
    shown["domains"] = std::move(names);
    shown["accounts"] = accounts;
    co_return shown;
  }
  co_return fail(Errc::not_found, "there is no organisation " + name);
}

Answer org_change(Installation& in, Actor actor, json::object args, Progress&) {
  directory::OrganisationChange change{.name = text_if(args, "rename"),
                                       .locale = text_if(args, "locale"),
                                       .quota_bytes = limit_if(args, "quota")};
  if (auto state = text_if(args, "state"))
    change.state = *state == "active" ? State::active : State::suspended;
  auto name = text(args, "name");
  CO_TRY_OK(co_await in.directory().update_organisation(std::move(actor), name, std::move(change)));
  co_return done("changed " + name);
}

// The organisation that is meant when there is only one.
Task<Result<std::string>> organisation_or_only(Installation& in,  // NOLINT: outlives the call
                                               std::optional<std::string> named) {
  if (named) co_return *named;
  auto all = co_await in.directory().organisations();
  if (all.size() == 1) co_return all.front().name;
  co_return fail(Errc::invalid, all.empty() ? "create an organisation first: todoke org add NAME"
                                            : "there are several organisations: say --org NAME");
}

Answer domain_add(Installation& in, Actor actor, json::object args, Progress&) {
  auto named = text_if(args, "org");
  CO_TRY(auto organisation, co_await organisation_or_only(in, std::move(named)));
  auto name = text(args, "name");
  auto made = co_await in.directory().create_domain(std::move(actor), std::move(organisation),
                                                    std::move(name));
  if (!made) co_return std::unexpected(made.error());
  auto shown = to_json(*made);
  shown["next"] = "to send signed mail: todoke dkim create " + made->name;
  co_return shown;
}

Answer domain_list(Installation& in, Actor, json::object args, Progress&) {
  auto named = text_if(args, "org");
  auto all = co_await in.directory().domains(std::move(named));
  json::array found;
  for (const auto& one : all) found.push_back(to_json(one));
  co_return found;
}

Answer domain_delete(Installation& in, Actor actor, json::object args, Progress&) {
  auto name = text(args, "name");
  CO_TRY_OK(co_await in.directory().delete_domain(std::move(actor), name));
  auto folded = directory::fold_domain(name);
  co_await in.dkim_keys().remove(std::move(folded));
  co_return done("deleted " + name);
}

Answer domain_catch_all(Installation& in, Actor actor, json::object args, Progress&) {
  auto domain = text(args, "name");
  auto address = text_if(args, "account");
  if (flag(args, "off") == address.has_value())
    co_return fail(Errc::invalid, "say which account gets the mail, or --off");
  CO_TRY_OK(co_await in.directory().set_catch_all(std::move(actor), domain, address));
  co_return done(address
                     ? fmt::format("mail for unknown addresses at {} goes to {}", domain, *address)
                     : fmt::format("mail for unknown addresses at {} is refused", domain));
}

Answer audit(Installation& in, Actor, json::object args, Progress&) {
  auto limit = static_cast<int>(number_if(args, "limit").value_or(50));
  if (limit < 1 || limit > 100'000) co_return fail(Errc::invalid, "limit: from 1 to 100000");
  auto organisation = text_if(args, "org");
  auto events = co_await in.directory().audit(std::move(organisation), limit);
  json::array found;
  for (const auto& event : events)
    found.push_back(json::object{{"at", time_json(event.at)},
                                 {"actor", event.actor},
                                 {"action", event.action},
                                 {"target", event.target},
                                 {"detail", event.detail},
                                 {"organisation", event.organisation},
                                 {"source", event.source}});
  co_return found;
}

constexpr Parameter organisation_name{"name", Kind::text, Place::required,
                                      "name of the organisation"};
constexpr Parameter locale{"locale", Kind::text, Place::option,
                           "language of folder names and notices", "ja en"};
constexpr Parameter quota{"quota", Kind::size, Place::option,
                          "room for mail, such as 500MB or 10GB; none for no limit of its own"};
constexpr Parameter of_organisation{"org", Kind::text, Place::option, "name of the organisation"};
constexpr Parameter domain_name{"name", Kind::text, Place::required,
                                "the domain, such as example.jp"};

constexpr Parameter org_add_parameters[] = {organisation_name, locale, quota};
constexpr Parameter org_show_parameters[] = {organisation_name};
constexpr Parameter org_change_parameters[] = {
    organisation_name,
    {"rename", Kind::text, Place::option, "its new name"},
    locale,
    quota,
    {"state", Kind::text, Place::option, "suspended: nobody signs in, mail is deferred",
     "active suspended"}};
constexpr Parameter domain_add_parameters[] = {domain_name, of_organisation};
constexpr Parameter domain_list_parameters[] = {of_organisation};
constexpr Parameter domain_delete_parameters[] = {domain_name};
constexpr Parameter catch_all_parameters[] = {
    domain_name,
    {"account", Kind::text, Place::positional, "address of the account that gets the mail"},
    {"off", Kind::flag, Place::option, "refuse mail for unknown addresses again"}};
constexpr Parameter audit_parameters[] = {
    of_organisation, {"limit", Kind::number, Place::option, "how many events, newest first (50)"}};

constexpr Command table[] = {
    {"org add", "Create an organisation: whoever owns domains and accounts.",
     "Example:\n  todoke org add \"Sakura Clinic\" --locale ja --quota 50GB\n"
     "Next: todoke domain add sakura.example.jp",
     org_add_parameters, org_add},
    {"org list",
     "List the organisations, what they use and may use.",
     "Example:\n  todoke org list --json",
     {},
     org_list},
    {"org show", "Show one organisation: its domains, and what it uses and may use.",
     "Example:\n  todoke org show \"Sakura Clinic\"", org_show_parameters, org_show},
    {"org change", "Change an organisation.",
     "Example:\n  todoke org change \"Sakura Clinic\" --quota 100GB", org_change_parameters,
     org_change},
    {"domain add", "Take mail for a domain.",
     "Example:\n  todoke domain add sakura.example.jp --org \"Sakura Clinic\"\n"
     "With a single organisation --org is not needed.  The domain's MX record must name this\n"
     "server before mail arrives.\n"
     "Next: todoke dkim create sakura.example.jp",
     domain_add_parameters, domain_add},
    {"domain list", "List the domains.", "Example:\n  todoke domain list", domain_list_parameters,
     domain_list},
    {"domain delete", "Stop taking mail for a domain that has no addresses left.",
     "Its DKIM keys are deleted with it.\nExample:\n  todoke domain delete old.example.jp",
     domain_delete_parameters, domain_delete},
    {"domain catch-all", "Give mail for unknown addresses of a domain to one account.",
     "Examples:\n  todoke domain catch-all sakura.example.jp office@sakura.example.jp\n"
     "  todoke domain catch-all sakura.example.jp --off",
     catch_all_parameters, domain_catch_all},
    {"audit", "Show who changed what.", "Example:\n  todoke audit --limit 20", audit_parameters,
     audit},
};

}  // namespace

std::span<const Command> directory_commands() {
  return table;
}

}  // namespace todoke::app
