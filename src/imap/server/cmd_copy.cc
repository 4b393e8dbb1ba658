#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"

#include <fmt/format.h>

namespace todoke::imap {
namespace {

// RFC 4315 §3.
std::string copy_uid(const store::Copied& copied) {
  std::vector<std::uint32_t> old_uids, new_uids;
  for (auto [old_uid, new_uid] : copied.uids) {
    old_uids.push_back(old_uid);
    new_uids.push_back(new_uid);
  }
  std::string sets;
  write_set(sets, old_uids);
  sets += ' ';
  write_set(sets, new_uids);
  return fmt::format("[COPYUID {} {}]", copied.uidvalidity, sets);
}

// RFC 9051 §6.4.7: the client may create the mailbox and try again.
Reply no_target(const Error& error) {
  if (error.code == Errc::not_found) return no("[TRYCREATE] " + error.text);
  return no(error);
}

}  // namespace

// RFC 9051 §6.4.7.
Task<Reply> Session::handle(Copy command) {
  auto messages = selected_->messages(command.set, command.numbers);
  if (!messages) co_return bad(messages.error().text);
  auto target = co_await open_mailbox(std::move(command.mailbox), store::right_insert);
  if (!target) co_return no_target(target.error());
  if (messages->empty()) co_return ok("No such messages");
  auto room = co_await quota();
  auto ranges = selected_->uid_ranges(*messages);
  auto copied = co_await selected_->mailbox.copy_to(target->mailbox, std::move(ranges), room);
  if (!copied) co_return no_target(copied.error());
  if (copied->uids.empty()) co_return ok("These messages are gone already");
  // RFC 9051 §6.4.7 wants all or none; who was expunged meanwhile is none of the client's any more.
  co_return ok(copy_uid(*copied) + fmt::format(" {} messages copied", copied->uids.size()));
}

// RFC 6851.  The pairs of UIDs come before the EXPUNGEs, which tell_news() says.
Task<Reply> Session::handle(Move command) {
  auto messages = selected_->messages(command.set, command.numbers);
  if (!messages) co_return bad(messages.error().text);
  auto target = co_await open_mailbox(std::move(command.mailbox), store::right_insert);
  if (!target) co_return no_target(target.error());
  if (messages->empty()) co_return ok("No such messages");
  auto ranges = selected_->uid_ranges(*messages);
  auto moved = co_await selected_->mailbox.move_to(target->mailbox, std::move(ranges));
  if (!moved) co_return no_target(moved.error());
  if (moved->uids.empty()) co_return ok("These messages are gone already");
  untagged("OK " + copy_uid(*moved) + " Moved");
  auto reply = ok(fmt::format("{} messages moved", moved->uids.size()));
  reply.tells_mod_seq = true;
  co_return reply;
}

}  // namespace todoke::imap
