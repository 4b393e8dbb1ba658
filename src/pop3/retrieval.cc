#include "base/dot_stuffing.h"
#include "base/log.h"
#include "pop3/session.h"
#include "pop3/top_cutter.h"

#include <fmt/format.h>

namespace todoke::pop3 {
namespace {

constexpr std::size_t whole_piece = 256 << 10;
constexpr std::size_t top_piece = 16 << 10;  // enough for most headers

}  // namespace

// RFC 1939 §5.
Task<> Session::handle(Retr command) {
  return send_message(command.message, std::nullopt);
}

// RFC 1939 §7.
Task<> Session::handle(Top command) {
  return send_message(command.message, command.lines);
}

// Sends a whole message, or its header and so many lines of its body.  The bytes are those that
// were received; a dot after a bare LF is stuffed too, for most clients end their lines there.
Task<> Session::send_message(MessageNumber number, std::optional<std::uint32_t> body_lines) {
  auto index = index_of(number);
  if (!index) co_return;
  auto& body = transaction_->body;
  auto opened = co_await body.open(*index);
  if (!opened) {
    refuse_message(number, opened.error());
    co_return;
  }
  auto piece_size = body_lines ? top_piece : whole_piece;
  auto piece = co_await body.next(piece_size);
  if (!piece) {
    refuse_message(number, piece.error());
    co_return;
  }
  if (body_lines)
    ok("The top follows");
  else
    ok(fmt::format("{} octets", transaction_->drop->entries()[*index].pop3_size));

  inside_answer_ = true;
  TopCutter top(body_lines.value_or(0));
  DotStuffer stuffer(DotStuffer::BareLineEnds::keep_guarded);
  std::string wire;
  for (;;) {
    auto text = body_lines ? top.take(*piece) : *piece;
    wire.clear();
    wire.reserve(text.size() + text.size() / 64 + 16);
    stuffer.encode(text, wire);
    octets_sent_ += text.size();
    if (body.at_end() || (body_lines && top.done())) break;
    io_.write(wire);
    co_await io_.breathe(server_.limits.idle);
    piece = co_await body.next(piece_size);
    if (!piece) {
      // Too late for a refusal: a connection that breaks off is all that a client understands.
      refuse_message(number, piece.error());
      throw net::Closed("a body could not be read to its end");
    }
  }
  stuffer.finish(wire);
  io_.write(wire);
  inside_answer_ = false;
  ++messages_sent_;
  body.rest();
  co_await io_.breathe(server_.limits.idle);
}

// Logs why a body cannot be had; says so while that is possible.
void Session::refuse_message(MessageNumber number, const Error& why) {
  bool gone = why.code == Errc::not_found;
  auto level = gone ? log::Level::info : log::Level::error;
  log::write(level, "pop3.unreadable",
             {{"session", id_},
              {"login", transaction_->principal.login},
              {"message", id_text(transaction_->drop->entries()[number - 1].message_id)},
              {"reason", why.text}});
  if (inside_answer_) return;
  if (gone)
    error(fmt::format("Message {} is gone", number));
  else if (why.code == Errc::corrupt)
    error(fmt::format("[SYS/PERM] Message {} is damaged on our disk; the operator has been told",
                      number));
  else
    error(fmt::format("[SYS/TEMP] Message {} cannot be read now", number));
}

}  // namespace todoke::pop3
