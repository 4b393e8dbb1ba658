#include "delivery/delivery.h"
#include "imap/server/flag_text.h"
#include "imap/server/session.h"
#include "imap/syntax/sequence_set.h"
#include "net/stream.h"
#include "sql/tx.h"
#include "store/loose_body.h"
#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

constexpr std::size_t max_messages = 1000;  // of one MULTIAPPEND
constexpr std::size_t max_options = 16 << 10;

}  // namespace

Task<Reply> Session::handle(Append) {
  co_return bad("The message must follow as a literal");
}

// RFC 9051 §6.3.12, RFC 3502.  All messages are kept or none.
Task<> Session::append(CommandReader::Received received) {
  auto parsed = parse_command(received.text);
  tag_ = parsed ? parsed->tag : "*";
  const auto* command =
      parsed && parsed->command ? std::get_if<Append>(&*parsed->command) : nullptr;
  Reply reply;
  std::optional<store::Mailbox> target;
  if (command == nullptr) {
    reply = bad(parsed ? parsed->command.error().text : parsed.error().text);
  } else if (auto refused = refusal(*parsed->command)) {
    reply = *std::move(refused);
  } else {
    auto name = command->mailbox;
    auto step = find_target(std::move(name), &target);
    reply = co_await guarded(std::move(step));
  }
  auto literal = received.literal;
  auto options = command != nullptr ? command->options : AppendOptions{};
  if (target && literal.size > server_.append_limit) {
    target.reset();
    reply = no(fmt::format("[TOOBIG] A message has at most {} octets", server_.append_limit));
  }
  if (target) {
    auto step = append_to(*target, literal, std::move(options));
    reply = co_await guarded(std::move(step));
  } else {
    co_await refuse_literal(literal);
  }
  if (selected_ && reply.kind == Reply::Kind::ok) co_await tell_news_if_possible(News::all);
  finish(tag_, reply);
  if (reply.kind == Reply::Kind::bad) mistake();
}

Task<Reply> Session::find_target(WireName name, std::optional<store::Mailbox>* target) {
  auto opened = co_await open_mailbox(std::move(name), store::right_insert);
  if (!opened) co_return no("[TRYCREATE] " + opened.error().text);
  *target = opened->mailbox;
  co_return Reply{};
}

// A literal that is not wanted.  Strangers are not listened to for its sake.
Task<> Session::refuse_literal(LiteralHead literal) {
  if (literal.synchronizing) co_return;
  bool skipped = false;
  if (principal_) skipped = co_await reader_.skip_rest(literal);
  if (!skipped) lose_track();
}

void Session::lose_track() {
  untagged("BYE What follows cannot be understood any more");
  over_ = true;
}

Task<Reply> Session::append_to(store::Mailbox target, LiteralHead literal, AppendOptions options) {
  std::vector<store::Appended> messages;
  std::optional<Reply> refused;
  for (;;) {
    auto message = co_await receive_message(literal, std::move(options));
    if (message)
      messages.push_back(*std::move(message));
    else if (!refused)
      refused =
          message.error().code == Errc::invalid ? bad(message.error().text) : no(message.error());
    auto line = co_await io_.read_line(max_options);
    std::string_view rest = line.text;
    if (literal.utf8 && rest.starts_with(')')) rest.remove_prefix(1);
    auto next = ending_literal(rest);
    if (!next) {
      if (line.over_long) lose_track();
      if (!refused && (!rest.empty() || line.over_long))
        refused = bad("Only more messages may follow the message");
      break;
    }
    auto parsed = parse_append_options(rest.substr(0, next->begin));
    literal = *next;
    if (!parsed && !refused) refused = bad(parsed.error().text);
    if (messages.size() == max_messages && !refused)
      refused = no("[LIMIT] One command brings at most 1000 messages");
    if (literal.size > server_.append_limit && !refused)
      refused = no(fmt::format("[TOOBIG] A message has at most {} octets", server_.append_limit));
    if (refused) {
      co_await refuse_literal(literal);
      break;
    }
    options = *std::move(parsed);
  }
  if (refused) {
    for (const auto& message : messages) server_.store.blobs().release(message.body);
    co_return *refused;
  }
  co_return co_await keep(target, std::move(messages));
}

Task<Reply> Session::keep(store::Mailbox target, std::vector<store::Appended> messages) {
  auto room = co_await quota();
  auto placed = co_await target.append(std::move(messages), room);
  if (!placed && placed.error().code == Errc::not_found)
    co_return no("[TRYCREATE] The mailbox was deleted meanwhile");
  if (!placed) co_return no(placed.error());
  std::vector<std::uint32_t> uids;
  for (const auto& place : *placed) uids.push_back(place.uid);
  std::string set;
  write_set(set, uids);
  co_return ok(fmt::format("[APPENDUID {} {}] Kept", placed->front().uidvalidity, set));
}

// Streams a literal to the blob store.  It is read to its end whatever happens, or the commands
// behind it could not be found.
Task<Result<store::Appended>> Session::receive_message(LiteralHead literal, AppendOptions options) {
  if (literal.synchronizing) io_.write("+ Ready for the message\r\n");
  auto incoming = server_.delivery.begin();
  incoming.cannot_loop();
  std::optional<Error> trouble;
  for (auto left = literal.size; left > 0;) {
    if (io_.buffered().empty()) {
      io_.set_deadline(server_.limits.stalled);
      co_await io_.fill();
    }
    auto piece = io_.buffered().substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(left, io_.buffered().size())));
    if (!trouble && !literal.binary && piece.find('\0') != piece.npos)
      trouble = Error{Errc::invalid, "A NUL octet needs a literal8, ~{n}"};
    if (!trouble)
      if (auto taken = incoming.append(piece); !taken) trouble = taken.error();
    left -= piece.size();
    io_.consume(piece.size());
  }
  if (trouble) co_return std::unexpected(*trouble);
  auto finished = incoming.finish();
  if (!finished) co_return std::unexpected(finished.error());
  auto flags = to_flags(options.flags);
  co_return store::Appended{.body = finished->location,
                            .parsed = {.envelope = std::move(finished->envelope),
                                       .structure = std::move(finished->structure),
                                       .preview = std::move(finished->preview),
                                       .final_crlf = finished->final_crlf},
                            .flags = flags.system,
                            .keywords = std::move(flags.keywords),
                            .internal_date = options.internal_date};
}

}  // namespace todoke::imap
