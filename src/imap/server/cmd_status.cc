#include "imap/server/session.h"
#include "imap/syntax/writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {

// RFC 9051 §6.3.11.
Task<Reply> Session::handle(Status command) {
  auto info = co_await find_mailbox(std::move(command.mailbox));
  if (!info) co_return no(info.error());
  if ((command.items & status_highest_mod_seq) != 0) enable_condstore();
  auto line = co_await status_text(*info, command.items);
  untagged(line);
  co_return ok("That is the status");
}

// "STATUS name (…)".  RFC 9051 §7.3.4.
Task<std::string> Session::status_text(store::MailboxInfo mailbox, StatusItems items) {
  std::string line = "STATUS ";
  write_mailbox(line, mailbox.name, name_form());
  line += " (";
  auto say = [&](StatusItem item, std::string_view name, std::int64_t value) {
    if ((items & item) == 0) return;
    line += fmt::format("{}{} {}", line.ends_with('(') ? "" : " ", name, value);
  };
  say(status_messages, "MESSAGES", mailbox.message_count);
  say(status_uid_next, "UIDNEXT", mailbox.uidnext);
  say(status_uid_validity, "UIDVALIDITY", mailbox.uidvalidity);
  say(status_unseen, "UNSEEN", mailbox.unseen_count);
  if ((items & (status_deleted | status_deleted_storage)) != 0) {
    auto opened = co_await open_by_id(mailbox.id);
    std::int64_t deleted = 0, octets = 0;
    if (opened) {
      auto view = co_await opened->live()->latest();
      for (std::size_t i = 0; i < view->size(); ++i) {
        auto message = (*view)[i];
        if ((message->flags & store::flag_deleted) == 0) continue;
        ++deleted;
        octets += static_cast<std::int64_t>(message->size);
      }
    }
    say(status_deleted, "DELETED", deleted);
    say(status_deleted_storage, "DELETED-STORAGE", octets);
  }
  say(status_size, "SIZE", mailbox.size_bytes);
  say(status_recent, "RECENT", 0);
  say(status_highest_mod_seq, "HIGHESTMODSEQ", mailbox.highestmodseq);
  say(status_append_limit, "APPENDLIMIT", static_cast<std::int64_t>(server_.append_limit));
  if ((items & status_mailbox_id) != 0)
    line += fmt::format("{}MAILBOXID ({})", line.ends_with('(') ? "" : " ",
                        mailbox_id_text(mailbox.id));
  co_return line + ")";
}

}  // namespace todoke::imap
