// check, backup, restore-account: what keeps the data well.
#include "app/admin/arguments.h"
#include "app/admin/rooms.h"
#include "app/backup/account_archive.h"
#include "app/backup/installation_backup.h"
#include "app/check/mail.h"
#include "app/check/outbound.h"

namespace todoke::app {
namespace {

using directory::Actor;
using Answer = Task<Result<json::value>>;

Answer check(Installation& in, Actor, json::object args, Progress& progress) {
  std::vector<Finding> findings;
  Result<> done;
  bool quick = flag(args, "quick");
  auto work = [&] {
    findings = check_database(in);
    for (const auto& more : {check_rows(in, {}), check_outbound(in), check_providers()})
      findings.insert(findings.end(), more.begin(), more.end());
    if (quick) return;
    done = check_states(in, progress, findings);
    if (!done) return;
    done = check_segments(in, progress, findings);
    if (!done) return;
    if (auto bodies = check_bodies(in, {}, progress, findings); !bodies)
      done = std::unexpected(bodies.error());
  };
  co_await run_long(progress, work);
  if (!done) co_return std::unexpected(done.error());
  co_return json::object{{"findings", findings_json(findings)}};
}

Answer backup(Installation& in, Actor, json::object args, Progress& progress) {
  auto path = text(args, "path");
  auto account = text_if(args, "account");
  json::object answer{{"path", path}};
  std::optional<Error> failure;
  auto work = [&] {
    if (account) {
      auto summary = archive_account(in, *account, path, progress);
      if (!summary) return void(failure = summary.error());
      answer["mailboxes"] = summary->mailboxes;
      answer["messages"] = summary->messages;
      answer["size_bytes"] = summary->bytes;
    } else {
      auto summary = backup_installation(in, path, progress);
      if (!summary) return void(failure = summary.error());
      answer["files"] = summary->files;
      answer["messages"] = summary->messages;
      answer["size_bytes"] = summary->bytes;
    }
  };
  co_await run_long(progress, work);
  if (failure) co_return std::unexpected(*failure);
  co_return answer;
}

Answer restore(Installation& in, Actor actor, json::object args, Progress& progress) {
  auto path = text(args, "path");
  Result<ArchiveSummary> summary;
  auto work = [&] { summary = restore_account(in, actor, path, progress); };
  co_await run_long(progress, work);
  if (!summary) co_return std::unexpected(summary.error());
  json::array notes;
  for (const auto& note : summary->notes) notes.emplace_back(note);
  co_return json::object{{"mailboxes", summary->mailboxes},
                         {"messages", summary->messages},
                         {"size_bytes", summary->bytes},
                         {"into", summary->into},
                         {"notes", std::move(notes)}};
}

constexpr Parameter check_parameters[] = {
    {"quick", Kind::flag, Place::option,
     "leave out the messages on disk and the history of outbound mail"}};
constexpr Parameter backup_parameters[] = {
    {"path", Kind::path, Place::required, "the folder to make; with --account, the file"},
    {"account", Kind::text, Place::option, "only this account, as one file"}};
constexpr Parameter restore_parameters[] = {
    {"path", Kind::path, Place::required, "a file that todoke backup --account has made"}};

constexpr Command table[] = {
    {"check", "Say what is wrong, in plain words.",
     "Looks at configuration, certificate, ports, disk, database, outbound mail, and every "
     "message\n"
     "by its checksum.  Ends with 1 if it finds an error; a warning alone, such as a certificate "
     "of\n"
     "our own making, a domain without DKIM keys, or mail that is in doubt, leaves it at 0.\n"
     "Examples:\n  todoke check\n  todoke check --quick --json",
     check_parameters, check},
    {"backup", "Copy everything, or one account, while the server goes on.",
     "The copy is read back and compared before it counts.  Nothing that exists is overwritten.\n"
     "Examples:\n  todoke backup /backup/$(date +%F)\n"
     "  todoke backup hana.tar.zst --account hana@sakura.example.jp\n"
     "Back again: todoke restore /backup/2026-11-22, todoke restore-account hana.tar.zst",
     backup_parameters, backup},
    {"restore-account", "Bring back one account from its backup, here or on another server.",
     "A missing account is created as it was, with its password; its domain must exist.  Into an\n"
     "account that has mail already, the old mail goes below a new mailbox.\n"
     "Example:\n  todoke restore-account hana.tar.zst",
     restore_parameters, restore},
};

}  // namespace

std::span<const Command> care_commands() {
  return table;
}

}  // namespace todoke::app
