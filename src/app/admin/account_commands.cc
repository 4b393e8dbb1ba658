// account, address, login, password.
#include "app/admin/arguments.h"
#include "app/admin/rooms.h"
#include "base/ascii.h"
#include "crypto/random.h"

#include <fmt/format.h>

#include <utility>

namespace todoke::app {
namespace {

using directory::Actor;
using directory::Role;
using directory::Service;
using directory::ServiceSet;
using directory::State;
using Answer = Task<Result<json::value>>;

constexpr std::pair<Service, std::string_view> service_names[] = {
    {Service::pop3, "pop3"},
    {Service::imap, "imap"},
    {Service::submission, "submission"},
    {Service::web, "web"}};
constexpr std::pair<Role, std::string_view> role_names[] = {{Role::member, "member"},
                                                            {Role::administrator, "administrator"},
                                                            {Role::owner, "owner"},
                                                            {Role::operator_, "operator"}};

Result<ServiceSet> parse_services(std::string_view text) {
  ServiceSet set = 0;
  if (text == "none") return set;
  while (!text.empty()) {
    auto word = ascii::trim(text.substr(0, text.find(',')));
    auto known = false;
    for (auto [service, name] : service_names) {
      if (word != name && word != "all") continue;
      set |= static_cast<unsigned>(service);
      known = true;
    }
    if (!known)
      return fail(Errc::invalid,
                  fmt::format("\"{}\" is no service; there are pop3, imap, submission, web; or "
                              "all, or none",
                              word));
    text.remove_prefix(std::min(text.size(), text.find(',')));
    if (!text.empty()) text.remove_prefix(1);
  }
  return set;
}

json::array services_json(ServiceSet set) {
  json::array names;
  for (auto [service, name] : service_names)
    if (contains(set, service)) names.emplace_back(name);
  return names;
}

std::string_view role_name(Role role) {
  for (auto [one, name] : role_names)
    if (one == role) return name;
  std::unreachable();
}

Role parse_role(std::string_view text) {
  for (auto [role, name] : role_names)
    if (name == text) return role;
  return Role::member;
}

std::string_view state_name(State state) {
  return state == State::active ? "active" : state == State::suspended ? "suspended" : "deleted";
}

json::object brief(const directory::Account& account) {
  return {{"address", account.address},
          {"name", account.display_name},
          {"role", role_name(account.role)},
          {"state", state_name(account.state)},
          {"quota_bytes", or_null(account.quota_bytes)}};
}

json::array texts(const std::vector<std::string>& all) {
  json::array found;
  for (const auto& one : all) found.emplace_back(one);
  return found;
}

json::object whole(const directory::Account& account) {
  auto shown = brief(account);
  shown["id"] = id_text(account.id);
  shown["aliases"] = texts(account.aliases);
  shown["logins"] = texts(account.logins);
  shown["locale"] = account.locale;
  shown["services"] = services_json(account.services);
  shown["pop3_read_only"] = account.pop3_read_only;
  shown["send_limit_per_hour"] = account.send_limit_per_hour
                                     ? json::value(*account.send_limit_per_hour)
                                     : json::value(nullptr);
  shown["created_at"] = time_json(account.created_at);
  if (account.deleted_at) shown["deleted_at"] = time_json(account.deleted_at);
  return shown;
}

Answer account_add(Installation& in, Actor actor, json::object args, Progress&) {
  directory::NewAccount wanted{.address = text(args, "address"),
                               .password = text(args, "password"),
                               .stored_password = text(args, "hash"),
                               .display_name = text(args, "name"),
                               .locale = text(args, "locale"),
                               .role = parse_role(text(args, "role")),
                               .quota_bytes = number_if(args, "quota")};
  if (wanted.password.empty() == wanted.stored_password.empty())
    co_return fail(Errc::invalid, "an account needs a password, or the hash of one");
  auto made = co_await in.directory().create_account(std::move(actor), std::move(wanted));
  if (!made) co_return std::unexpected(made.error());
  co_return whole(*made);
}

Answer account_list(Installation& in, Actor, json::object args, Progress&) {
  auto domain = text_if(args, "domain");
  auto all = co_await in.directory().accounts(std::move(domain));
  json::array found;
  for (const auto& one : all) found.push_back(brief(one));
  co_return found;
}

Answer account_show(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "address");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  auto shown = whole(*account);
  auto mailboxes = co_await in.store().mailboxes(account->id, false);
  std::int64_t messages = 0, bytes = 0;
  for (const auto& mailbox : mailboxes) {
    messages += mailbox.message_count;
    bytes += mailbox.size_bytes;
    if (account->pop3_mailbox_id == mailbox.id) shown["pop3_mailbox"] = mailbox.name;
  }
  shown["messages"] = messages;
  shown["used_bytes"] = bytes;
  co_return shown;
}

Task<Result<std::int64_t>> mailbox_id(Installation& in,  // NOLINT: outlives the call
                                      std::string address, std::string name) {
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  auto mailboxes = co_await in.store().mailboxes(account->id, false);
  for (const auto& mailbox : mailboxes)
    if (mailbox.name == name) co_return mailbox.id;
  co_return fail(Errc::not_found, "there is no mailbox " + name);
}

Answer account_change(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address");
  directory::AccountChange change{.display_name = text_if(args, "name"),
                                  .locale = text_if(args, "locale"),
                                  .quota_bytes = limit_if(args, "quota"),
                                  .pop3_read_only = flag_if(args, "pop3_read_only")};
  if (auto role = text_if(args, "role")) change.role = parse_role(*role);
  if (auto services = text_if(args, "services")) {
    CO_TRY(change.services, parse_services(*services));
  }
  if (auto limit = limit_if(args, "send_limit")) {
    change.send_limit_per_hour.emplace();
    if (*limit) {
      if (**limit > 1'000'000) co_return fail(Errc::invalid, "send_limit: at most 1000000");
      change.send_limit_per_hour = static_cast<int>(**limit);
    }
  }
  if (auto name = text_if(args, "pop3_mailbox")) {
    auto id = co_await mailbox_id(in, address, *name);
    if (!id) co_return std::unexpected(id.error());
    change.pop3_mailbox_id = *id == store::inbox_id ? std::optional<std::int64_t>() : *id;
  }
  CO_TRY_OK(co_await in.directory().update_account(std::move(actor), address, std::move(change)));
  co_return done("changed " + address);
}

Answer set_state(Installation& in, Actor actor, std::string address, State state,
                 std::string words) {
  directory::AccountChange change{.state = state};
  CO_TRY_OK(co_await in.directory().update_account(std::move(actor), address, std::move(change)));
  co_return done(words + address);
}
Answer account_suspend(Installation& in, Actor actor, json::object args, Progress&) {
  return set_state(in, std::move(actor), text(args, "address"), State::suspended, "suspended ");
}
Answer account_resume(Installation& in, Actor actor, json::object args, Progress&) {
  return set_state(in, std::move(actor), text(args, "address"), State::active, "resumed ");
}

Answer account_delete(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address");
  CO_TRY_OK(co_await in.directory().delete_account(std::move(actor), address));
  co_return done(fmt::format("deleted {}; for 30 days `todoke account restore {}` brings it back",
                             address, address));
}

Answer account_restore(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address");
  CO_TRY_OK(co_await in.directory().restore_account(std::move(actor), address));
  co_return done("restored " + address);
}

Answer address_add(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address"), account = text(args, "account");
  CO_TRY_OK(co_await in.directory().add_address(std::move(actor), address, account));
  co_return done(fmt::format("mail for {} also goes to {}", address, account));
}
Answer address_remove(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address"), account = text(args, "account");
  CO_TRY_OK(co_await in.directory().remove_address(std::move(actor), address, account));
  co_return done(fmt::format("{} no longer leads to {}", address, account));
}

Answer login_add(Installation& in, Actor actor, json::object args, Progress&) {
  auto name = text(args, "name"), account = text(args, "account");
  auto listener = text(args, "listener");
  CO_TRY_OK(co_await in.directory().add_login(std::move(actor), account, name, listener));
  co_return done(fmt::format("{} signs in to {}", name, account));
}
Answer login_remove(Installation& in, Actor actor, json::object args, Progress&) {
  auto name = text(args, "name"), listener = text(args, "listener");
  CO_TRY_OK(co_await in.directory().remove_login(std::move(actor), name, listener));
  co_return done("removed the login name " + name);
}

Answer password_set(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address"), password = text(args, "password");
  if (password.empty()) co_return fail(Errc::invalid, "the password is empty");
  CO_TRY_OK(co_await in.directory().set_password(std::move(actor), address, std::move(password)));
  co_return done("set the password of " + address);
}
Answer password_reset(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address");
  auto password = crypto::random_password();
  CO_TRY_OK(co_await in.directory().set_password(std::move(actor), address, password));
  co_return json::object{{"address", address}, {"password", password}};
}
Answer password_import(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address"), hash = text(args, "hash");
  CO_TRY_OK(co_await in.directory().set_password_hash(std::move(actor), address, std::move(hash)));
  co_return done("took over the password of " + address);
}
Answer app_add(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address"), label = text(args, "label");
  ServiceSet scope = directory::all_services;
  std::optional<Time> expires;
  if (auto services = text_if(args, "services")) {
    CO_TRY(scope, parse_services(*services));
  }
  if (auto span = text_if(args, "expires")) {
    CO_TRY(auto duration, parse_duration(*span));
    expires = in.clock().now() + duration;
  }
  auto password =
      co_await in.directory().create_app_password(std::move(actor), address, label, scope, expires);
  if (!password) co_return std::unexpected(password.error());
  co_return json::object{{"address", address},
                         {"label", label},
                         {"password", *password},
                         {"services", services_json(scope)},
                         {"expires_at", time_json(expires)}};
}
Answer app_list(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "address");
  auto all = co_await in.directory().app_passwords(std::move(address));
  if (!all) co_return std::unexpected(all.error());
  json::array found;
  for (const auto& one : *all)
    found.push_back(json::object{{"id", one.id},
                                 {"label", one.label},
                                 {"services", services_json(one.scope)},
                                 {"created_at", time_json(one.created_at)},
                                 {"expires_at", time_json(one.expires_at)},
                                 {"last_used_at", time_json(one.last_used_at)}});
  co_return found;
}
Answer app_delete(Installation& in, Actor actor, json::object args, Progress&) {
  auto address = text(args, "address");
  auto id = number_if(args, "id").value_or(0);
  CO_TRY_OK(co_await in.directory().delete_app_password(std::move(actor), std::move(address), id));
  co_return done("deleted; whoever used it is signed in no more");
}

constexpr Parameter address{"address", Kind::text, Place::required,
                            "address of the account, such as hana@sakura.example.jp"};
constexpr Parameter of_account{"account", Kind::text, Place::required, "address of the account"};
constexpr Parameter display_name{"name", Kind::text, Place::option, "name of the person"};
constexpr Parameter locale{"locale", Kind::text, Place::option, "language of its folder names",
                           "ja en"};
constexpr Parameter role{"role", Kind::text, Place::option, "what it may do in its organisation",
                         "member administrator owner operator"};
constexpr Parameter quota{"quota", Kind::size, Place::option,
                          "room for mail, such as 500MB or 10GB; none for no limit of its own"};
constexpr Parameter password{"password", Kind::secret, Place::option,
                             "better left away: others see it in the list of processes"};
constexpr Parameter services{"services", Kind::text, Place::option,
                             "what it may be used for: pop3,imap,submission,web or all or none"};
constexpr Parameter listener{"listener", Kind::text, Place::option,
                             "only when signing in at this address of ours"};

constexpr Parameter address_only[] = {address};
constexpr Parameter add_parameters[] = {
    address,
    display_name,
    locale,
    role,
    quota,
    password,
    {"hash", Kind::text, Place::option, "take over a password's hash, see password import"}};
constexpr Parameter list_parameters[] = {
    {"domain", Kind::text, Place::option, "only accounts of this domain"}};
constexpr Parameter change_parameters[] = {
    address,
    display_name,
    locale,
    role,
    quota,
    services,
    {"pop3_mailbox", Kind::text, Place::option, "the mailbox that POP3 shows (INBOX)"},
    {"pop3_read_only", Kind::yes_no, Place::option, "whether POP3 may not delete"},
    {"send_limit", Kind::limit, Place::option, "recipients an hour; none for the usual limit"}};
constexpr Parameter alias_parameters[] = {
    {"address", Kind::text, Place::required, "the further address"}, of_account};
constexpr Parameter login_add_parameters[] = {
    {"name", Kind::text, Place::required, "the login name, such as hana or a full address"},
    of_account,
    listener};
constexpr Parameter login_remove_parameters[] = {
    {"name", Kind::text, Place::required, "the login name"}, listener};
constexpr Parameter set_parameters[] = {address, password};
constexpr Parameter import_parameters[] = {
    address, {"hash", Kind::text, Place::required, "such as '{SHA512-CRYPT}$6$…'"}};
constexpr Parameter app_add_parameters[] = {
    address,
    {"label", Kind::text, Place::required, "what it is for, such as \"office scanner\""},
    services,
    {"expires", Kind::text, Place::option, "after this time: 12h, 90d, 52w"}};
constexpr Parameter app_delete_parameters[] = {
    address, {"id", Kind::number, Place::required, "its number in app-list"}};

constexpr Command table[] = {
    {"account add", "Create an account with its mailboxes.",
     "The password is asked for, or read with --password-stdin.\n"
     "Examples:\n"
     "  todoke account add hana@sakura.example.jp --name \"Hana Sato\" --quota 10GB\n"
     "  echo \"$PASSWORD\" | todoke account add ken@sakura.example.jp --password-stdin",
     add_parameters, account_add},
    {"account list", "List the accounts.",
     "Example:\n  todoke account list --domain sakura.example.jp", list_parameters, account_list},
    {"account show", "Show all about one account.",
     "Example:\n  todoke account show hana@sakura.example.jp", address_only, account_show},
    {"account change", "Change an account.",
     "Examples:\n  todoke account change hana@sakura.example.jp --quota none\n"
     "  todoke account change scanner@sakura.example.jp --services submission",
     change_parameters, account_change},
    {"account suspend", "Let nobody sign in; mail is asked to come later.",
     "Example:\n  todoke account suspend hana@sakura.example.jp", address_only, account_suspend},
    {"account resume", "End a suspension.",
     "Example:\n  todoke account resume hana@sakura.example.jp", address_only, account_resume},
    {"account delete", "Delete an account; it can be restored for 30 days.",
     "Example:\n  todoke account delete hana@sakura.example.jp", address_only, account_delete},
    {"account restore", "Bring a deleted account back with all its mail.",
     "Example:\n  todoke account restore hana@sakura.example.jp", address_only, account_restore},
    {"address add", "Give an account one more address.",
     "An address may lead to several accounts.\n"
     "Example:\n  todoke address add info@sakura.example.jp hana@sakura.example.jp",
     alias_parameters, address_add},
    {"address remove", "Take an address away from an account.",
     "Example:\n  todoke address remove info@sakura.example.jp hana@sakura.example.jp",
     alias_parameters, address_remove},
    {"login add", "Give an account one more name to sign in with.",
     "Examples:\n  todoke login add hana hana@sakura.example.jp\n"
     "  todoke login add info hana@sakura.example.jp --listener 192.0.2.1",
     login_add_parameters, login_add},
    {"login remove", "Take a login name away.", "Example:\n  todoke login remove hana",
     login_remove_parameters, login_remove},
    {"password set", "Set the password of an account.",
     "The password is asked for, or read with --password-stdin.\n"
     "Example:\n  todoke password set hana@sakura.example.jp",
     set_parameters, password_set},
    {"password reset", "Make up a new password and print it.",
     "Example:\n  todoke password reset hana@sakura.example.jp", address_only, password_reset},
    {"password import", "Take over the hash of a password from another server.",
     "Taken are {SHA512-CRYPT}, {SHA256-CRYPT}, {BLF-CRYPT}, {MD5-CRYPT}, {SSHA}, {PLAIN} and\n"
     "their relatives.  It becomes argon2id when its owner next signs in.\n"
     "Example:\n  todoke password import hana@sakura.example.jp '{SHA512-CRYPT}$6$…'",
     import_parameters, password_import},
    {"password app-add", "Make a password for one program or device.",
     "It is printed once.\n"
     "Example:\n  todoke password app-add hana@sakura.example.jp \"office scanner\" "
     "--services submission",
     app_add_parameters, app_add},
    {"password app-list", "List the passwords of programs and devices.",
     "Example:\n  todoke password app-list hana@sakura.example.jp", address_only, app_list},
    {"password app-delete", "Delete the password of a program or device.",
     "Example:\n  todoke password app-delete hana@sakura.example.jp 3", app_delete_parameters,
     app_delete},
};

}  // namespace

std::span<const Command> account_commands() {
  return table;
}

}  // namespace todoke::app
