// mailbox.
#include "app/admin/arguments.h"
#include "app/admin/rooms.h"
#include "app/check/mail.h"
#include "app/transfer/exporter.h"
#include "app/transfer/importer.h"
#include "app/transfer/maildir.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

using directory::Actor;
using Answer = Task<Result<json::value>>;

json::object to_json(const store::MailboxInfo& mailbox) {
  json::object shown{{"name", mailbox.name},
                     {"role", store::role_name(mailbox.role)},
                     {"messages", mailbox.message_count},
                     {"unseen", mailbox.unseen_count},
                     {"size_bytes", mailbox.size_bytes},
                     {"uidvalidity", mailbox.uidvalidity},
                     {"uidnext", mailbox.uidnext}};
  if (mailbox.deleted_at) shown["deleted_at"] = time_json(mailbox.deleted_at);
  return shown;
}

struct Found {
  directory::Account account;
  store::MailboxInfo mailbox;
};

// The account and its mailbox of that name; among deleted ones, the one deleted last.
enum class Which { present, deleted };
Task<Result<Found>> find(Installation& in,  // NOLINT: outlives the call
                         std::string address, std::string name, Which which) {
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  auto mailboxes = co_await in.store().mailboxes(account->id, which == Which::deleted);
  std::optional<store::MailboxInfo> best;
  for (const auto& mailbox : mailboxes) {
    if (mailbox.name != name || mailbox.deleted_at.has_value() != (which == Which::deleted))
      continue;
    if (!best || mailbox.deleted_at > best->deleted_at) best = mailbox;
  }
  if (!best)
    co_return fail(Errc::not_found, fmt::format("there is no {}mailbox {}",
                                                which == Which::deleted ? "deleted " : "", name));
  co_return Found{*std::move(account), *std::move(best)};
}

Answer list(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "account");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  auto mailboxes = co_await in.store().mailboxes(account->id, flag(args, "deleted"));
  json::array found;
  for (const auto& mailbox : mailboxes)
    if (mailbox.deleted_at.has_value() == flag(args, "deleted")) found.push_back(to_json(mailbox));
  co_return found;
}

Answer create(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "account");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  store::NewMailbox wanted{.name = text(args, "name")};
  auto made = co_await in.store().create_mailbox(account->id, std::move(wanted));
  if (!made) co_return std::unexpected(made.error());
  co_return to_json(*made);
}

Answer remove(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "account"), name = text(args, "name");
  auto found = co_await find(in, address, name, Which::present);
  if (!found) co_return std::unexpected(found.error());
  CO_TRY_OK(co_await in.store().delete_mailbox(found->account.id, found->mailbox.id));
  co_return done(
      fmt::format("deleted {}; for 30 days `todoke mailbox restore {} {}` brings it back", name,
                  address, name));
}

Answer restore(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "account"), name = text(args, "name");
  auto since = text_if(args, "since");
  if (!since) {
    auto found = co_await find(in, address, name, Which::deleted);
    if (!found) co_return std::unexpected(found.error());
    CO_TRY_OK(co_await in.store().restore_mailbox(found->account.id, found->mailbox.id));
    co_return done("restored " + name);
  }
  CO_TRY(auto span, parse_duration(*since));
  auto found = co_await find(in, address, name, Which::present);
  if (!found) co_return std::unexpected(found.error());
  auto from = in.clock().now() - span;
  auto count = co_await in.store().restore_expunged(found->account.id, found->mailbox.id, from);
  if (!count) co_return std::unexpected(count.error());
  co_return json::object{{"mailbox", name}, {"messages", *count}};
}

Answer expunged(Installation& in, Actor, json::object args, Progress&) {
  auto address = text(args, "account");
  auto name = text_if(args, "name").value_or("INBOX");
  auto found = co_await find(in, std::move(address), std::move(name), Which::present);
  if (!found) co_return std::unexpected(found.error());
  auto messages = co_await in.store().expunged(found->account.id, found->mailbox.id);
  json::array shown;
  for (const auto& message : messages)
    shown.push_back(json::object{{"uid", message.uid},
                                 {"expunged_at", time_json(message.expunged_at)},
                                 {"size_bytes", message.size},
                                 {"preview", message.preview}});
  co_return shown;
}

Answer verify(Installation& in, Actor, json::object args, Progress& progress) {
  auto address = text(args, "account");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  std::vector<Finding> findings;
  std::uint64_t read = 0;
  std::optional<Error> failure;
  auto work = [&] {
    findings = check_rows(in, account->id);
    auto bodies = check_bodies(in, account->id, progress, findings);
    if (bodies)
      read = *bodies;
    else
      failure = bodies.error();
  };
  co_await run_long(progress, work);
  if (failure) co_return std::unexpected(*failure);
  co_return json::object{{"findings", findings_json(findings)}, {"messages_read", read}};
}

Answer import(Installation& in, Actor, json::object args, Progress& progress) {
  auto address = text(args, "account"), path = text(args, "path"), format = text(args, "format");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  CO_TRY(auto limits, co_await in.directory().limits(account->id));
  transfer::ImportTarget target{.account_id = account->id,
                                .mailbox = text_if(args, "mailbox").value_or("INBOX"),
                                .quota = {.account_bytes = limits.account_bytes,
                                          .organisation_bytes = limits.organisation_bytes}};
  if (format.empty()) format = transfer::is_maildir(path) ? "maildir" : "mbox";
  Result<transfer::ImportCounts> counts;
  auto work = [&] {
    counts = format == "maildir" ? transfer::import_maildir(in, target, path, progress)
                                 : transfer::import_mbox(in, target, path, progress);
  };
  co_await run_long(progress, work);
  if (!counts) co_return std::unexpected(counts.error());
  json::array problems;
  for (const auto& problem : counts->problems) problems.emplace_back(problem);
  co_return json::object{{"imported", counts->imported},
                         {"known", counts->known},
                         {"failed", counts->failed},
                         {"problems", std::move(problems)}};
}

Answer export_mail(Installation& in, Actor, json::object args, Progress& progress) {
  auto address = text(args, "account"), path = text(args, "path");
  auto name = text_if(args, "mailbox");
  auto account = co_await in.directory().find_account(std::move(address));
  if (!account) co_return std::unexpected(account.error());
  auto mailboxes = co_await in.store().mailboxes(account->id, false);
  bool mbox = text(args, "format") == "mbox";
  if (mbox && !name) name = "INBOX";
  if (name) {
    std::erase_if(mailboxes, [&](const auto& one) { return one.name != *name; });
    if (mailboxes.empty()) co_return fail(Errc::not_found, "there is no mailbox " + *name);
  }
  auto ends = text(args, "line_ends") == "crlf" ? transfer::LineEnds::crlf : transfer::LineEnds::lf;
  Result<std::int64_t> count;
  auto work = [&] {
    count = mbox ? transfer::export_mbox(in, account->id, mailboxes.front(), path, progress)
                 : transfer::export_maildir(in, account->id, mailboxes, path, ends, progress);
  };
  co_await run_long(progress, work);
  if (!count) co_return std::unexpected(count.error());
  co_return json::object{{"path", path}, {"messages", *count}};
}

constexpr Parameter account{"account", Kind::text, Place::required, "address of the account"};
constexpr Parameter mailbox_name{"name", Kind::text, Place::required,
                                 "name of the mailbox, levels separated by /"};

constexpr Parameter list_parameters[] = {
    account, {"deleted", Kind::flag, Place::option, "those that can be restored instead"}};
constexpr Parameter named[] = {account, mailbox_name};
constexpr Parameter restore_parameters[] = {
    account,
    mailbox_name,
    {"since", Kind::text, Place::option,
     "bring back messages expunged within this time (12h, 7d), instead of the mailbox"}};
constexpr Parameter expunged_parameters[] = {
    account, {"name", Kind::text, Place::positional, "name of the mailbox (INBOX)"}};
constexpr Parameter only_account[] = {account};
constexpr Parameter import_parameters[] = {
    account,
    {"path", Kind::path, Place::required, "a Maildir folder or an mbox file"},
    {"mailbox", Kind::text, Place::option, "where the mail goes (INBOX)"},
    {"format", Kind::text, Place::option, "what the path is; seen by itself if left away",
     "maildir mbox"}};
constexpr Parameter export_parameters[] = {
    account,
    {"path", Kind::path, Place::required, "the folder or file to make"},
    {"mailbox", Kind::text, Place::option, "only this one (Maildir: all; mbox: INBOX)"},
    {"format", Kind::text, Place::option, "what to write (maildir)", "maildir mbox"},
    {"line_ends", Kind::text, Place::option,
     "of a Maildir's files: lf as Unix programs expect, crlf byte for byte (lf)", "lf crlf"}};

constexpr Command table[] = {
    {"mailbox list", "List the mailboxes of an account.",
     "Example:\n  todoke mailbox list hana@sakura.example.jp", list_parameters, list},
    {"mailbox create", "Create a mailbox.",
     "Example:\n  todoke mailbox create hana@sakura.example.jp 仕事/請求書", named, create},
    {"mailbox delete", "Delete a mailbox; it can be restored for 30 days.",
     "Example:\n  todoke mailbox delete hana@sakura.example.jp 仕事/請求書", named, remove},
    {"mailbox restore", "Bring back a deleted mailbox, or messages deleted in one.",
     "Examples:\n  todoke mailbox restore hana@sakura.example.jp 仕事/請求書\n"
     "  todoke mailbox restore hana@sakura.example.jp INBOX --since 7d",
     restore_parameters, restore},
    {"mailbox expunged", "List the deleted messages that can be restored.",
     "Example:\n  todoke mailbox expunged hana@sakura.example.jp", expunged_parameters, expunged},
    {"mailbox verify", "Check the mail of an account: its rows, and every message by checksum.",
     "Example:\n  todoke mailbox verify hana@sakura.example.jp", only_account, verify},
    {"mailbox import", "Bring in mail from a Maildir or an mbox file.",
     "Flags, keywords and dates are kept.  Run again, it takes only what is new.  With a running\n"
     "server, the server's user must be able to read the path.\n"
     "Examples:\n  todoke mailbox import hana@sakura.example.jp /var/vmail/hana/Maildir\n"
     "  todoke mailbox import hana@sakura.example.jp old.mbox --mailbox 過去",
     import_parameters, import},
    {"mailbox export", "Write mail to a Maildir or an mbox file.",
     "Flags, keywords and dates are kept.  Nothing that exists is overwritten.\n"
     "Examples:\n  todoke mailbox export hana@sakura.example.jp /tmp/hana\n"
     "  todoke mailbox export hana@sakura.example.jp inbox.mbox --format mbox --mailbox INBOX",
     export_parameters, export_mail},
};

}  // namespace

std::span<const Command> mailbox_commands() {
  return table;
}

}  // namespace todoke::app
