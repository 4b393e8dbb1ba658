// smarthost: another server that takes our mail for others.
#include "app/admin/outbound.h"
#include "app/admin/rooms.h"
#include "base/ascii.h"
#include "directory/names.h"
#include "queue/smarthost.h"
#include "trust/host_name.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using directory::Details;
using queue::Smarthost;
using Need = smtp::TlsPolicy::Need;
using Answer = Task<Result<json::value>>;

std::string_view tls_name(Need need) {
  if (need == Need::implicit) return "tls";
  return need == Need::required ? "starttls" : "optional";
}

// "relay.example.jp" or "relay.example.jp:2525".
Result<> read_host(std::string_view text, Smarthost& host) {
  auto colon = text.find(':');
  host.host = directory::fold_domain(text.substr(0, colon));
  auto last_label = std::string_view(host.host).substr(host.host.rfind('.') + 1);
  if (!trust::is_host_name(host.host) || ascii::to_number(last_label))
    return fail(Errc::invalid,
                fmt::format("\"{}\" is no host name; write it as relay.example.jp or "
                            "relay.example.jp:587",
                            text));
  if (colon == text.npos) return {};
  auto port = ascii::to_number(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65'535)
    return fail(Errc::invalid, fmt::format("\"{}\" is no port", text.substr(colon + 1)));
  host.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<Smarthost> read_smarthost(const json::object& args) {
  Smarthost host;
  auto tls = text_if(args, "tls").value_or("starttls");
  if (tls == "tls") host.tls = Need::implicit;
  if (tls == "optional") host.tls = Need::opportunistic;
  host.port = host.tls == Need::implicit ? 465 : 587;
  TRY_OK(read_host(text(args, "host"), host));
  auto login = text_if(args, "login");
  auto password = text_if(args, "password");
  if (login.has_value() != password.has_value())
    return fail(Errc::invalid, login ? "signing in needs a password" : "a password needs --login");
  if (!login) return host;
  if (login->empty() || password->empty())
    return fail(Errc::invalid, "name and password must not be empty");
  if (host.tls == Need::opportunistic)
    return fail(Errc::invalid, "a password is shown only under TLS: use --tls starttls or tls");
  host.login = smtp::Login{*std::move(login), *std::move(password)};
  return host;
}

std::string whose_words(const json::object& args) {
  auto organisation = text_if(args, "org");
  return organisation ? "mail of " + *organisation : std::string("mail of everybody else");
}

Answer set(Installation& in, Actor actor, json::object args, Progress&) {
  CO_TRY(auto host, read_smarthost(args));
  auto name = text_if(args, "org");
  CO_TRY(auto organisation, co_await organisation_id(in, std::move(name)));
  auto now = in.clock().now();
  directory::Effects effects;
  auto write = [&](sql::Tx& tx) {
    queue::write_smarthost(tx, organisation, host);
    directory::Change change(tx, actor, now, in.ids(), effects);
    Details details;
    details.add("port", host.port).add("tls", tls_name(host.tls));
    if (host.login) details.add("login", host.login->user);
    change.audit(organisation, "smarthost.set", host.host, details);
  };
  co_await in.db().write(write);
  co_await in.queue().reload();
  co_return done(
      fmt::format("{} for others goes to {} port {}", whose_words(args), host.host, host.port));
}

Answer list(Installation& in, Actor, json::object, Progress&) {
  auto names = co_await organisation_names(in);
  auto query = [](sql::Tx& tx) { return queue::read_smarthosts(tx); };
  auto all = co_await in.db().read(query);
  json::array found;
  for (const auto& [id, host] : all)
    found.push_back(
        json::object{{"organisation", organisation_json(names, id)},
                     {"host", host.host},
                     {"port", static_cast<int>(host.port)},
                     {"tls", tls_name(host.tls)},
                     {"login", host.login ? json::value(host.login->user) : json::value(nullptr)}});
  co_return found;
}

Answer remove(Installation& in, Actor actor, json::object args, Progress&) {
  auto name = text_if(args, "org");
  CO_TRY(auto organisation, co_await organisation_id(in, std::move(name)));
  auto now = in.clock().now();
  directory::Effects effects;
  auto write = [&](sql::Tx& tx) -> Result<> {
    if (!queue::remove_smarthost(tx, organisation))
      return fail(Errc::not_found, "there is no smarthost for " + whose_words(args));
    directory::Change change(tx, actor, now, in.ids(), effects);
    change.audit(organisation, "smarthost.remove", text(args, "org"));
    return {};
  };
  CO_TRY_OK(co_await in.db().write(write));
  co_await in.queue().reload();
  co_return done(fmt::format("{} for others goes where DNS says", whose_words(args)));
}

constexpr Parameter of_organisation{"org", Kind::text, Place::option,
                                    "for mail of this organisation; else of all without their own"};
constexpr Parameter set_parameters[] = {
    {"host", Kind::text, Place::required, "its name, and :PORT if it is not 587 (465 with tls)"},
    of_organisation,
    {"tls", Kind::text, Place::option,
     "starttls: required, the usual way; tls: from the first byte; optional: when offered",
     "starttls tls optional"},
    {"login", Kind::text, Place::option, "name to sign in with there"},
    {"password", Kind::secret, Place::option, "the password there; better asked for"}};
constexpr Parameter remove_parameters[] = {of_organisation};

constexpr Command table[] = {
    {"smarthost set", "Hand mail for others to another server instead of sending it ourselves.",
     "The queue follows at once, also with what waits.\n"
     "Examples:\n  todoke smarthost set relay.example.jp --login sakura --password-stdin < secret\n"
     "  todoke smarthost set relay.example.jp:465 --tls tls --org \"Sakura Clinic\"",
     set_parameters, set},
    {"smarthost list",
     "List the servers that take our mail for others.",
     "Example:\n  todoke smarthost list",
     {},
     list},
    {"smarthost remove", "Send mail ourselves again.",
     "Examples:\n  todoke smarthost remove\n  todoke smarthost remove --org \"Sakura Clinic\"",
     remove_parameters, remove},
};

}  // namespace

std::span<const Command> smarthost_commands() {
  return table;
}

}  // namespace todoke::app
