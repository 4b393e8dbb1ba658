#include "smtp/server/session.h"

#include "base/assert.h"
#include "base/log.h"
#include "net/http_guess.h"

#include <fmt/format.h>

namespace todoke::smtp {
namespace {

using namespace std::chrono_literals;

constexpr auto command_time = 5min;  // RFC 5321 §4.5.3.2.7
// RFC 5321 §4.5.3.1.4 asks for 512; the parameters of DSN, SMTPUTF8 and others add to it.
constexpr std::size_t max_command_line = 2048;
// How much we put up with: ten errors, or a hundred fruitless commands.
constexpr int patience = 100;
constexpr int cost_of_error = 10;
constexpr int cost_of_fruitless = 1;

}  // namespace

net::Farewells Server::make_farewells(const std::string& host) {
  return {.timed_out = fmt::format("421 4.4.2 {} you were silent for too long, good-bye\r\n", host),
          .stopping = fmt::format("421 4.3.2 {} is restarting, please try again\r\n", host)};
}

Task<> Session::run() {
  io_.set_farewells(&server_.farewells);
  reply(make_reply(220, fmt::format("{} {} Todoke", server_.host,
                                    server_.face == Face::lmtp ? "LMTP" : "ESMTP")));
  while (state_ != State::closing) {
    TODOKE_ASSERT(transaction_.has_value() == has_transaction(state_));
    io_.set_deadline(command_time);
    io_.set_interruptible(!transaction_);
    auto line = co_await io_.read_line(max_command_line);
    io_.set_interruptible(false);
    if (net::is_http(line.text)) {
      log::info("smtp.http", {{"peer", io_.peer().address}});
      reply(421, {4, 7, 0}, server_.host + " speaks SMTP and not HTTP, good-bye");
      break;
    }
    auto refusal = refuse_line(line, {5, 5, 2});
    auto command = refusal ? std::unexpected(*std::move(refusal)) : parse_command(line.text);
    if (!command) {
      complain(command.error());
      // Nobody knows how many bytes follow a BDAT that could not be read (RFC 3030 §2).
      if (ascii::starts_with_ignoring_case(line.text, "bdat")) enter(State::closing);
      continue;
    }
    try {
      co_await dispatch(*std::move(command));
    } catch (const sql::Unavailable& e) {
      out_of_order(e.what());
    } catch (const sql::Violation& e) {
      out_of_order(e.what());
    }
  }
  co_await io_.flush();
}

// Only this command has failed: what stands of a transaction stays, for a 503 to the next RCPT
// would make its recipient's mail bounce.  What fails behind a message, finish_message() answers.
void Session::out_of_order(std::string_view why) {
  log::error("smtp.unavailable", {{"peer", io_.peer().address}, {"error", why}});
  reply(451, {4, 3, 0}, "Temporarily out of order, please try again later");
}

// What no line of a client may be, whatever it says.  RFC 5321 §2.3.8, RFC 5321 §4.5.3.1.
std::optional<Reply> Session::refuse_line(const net::Stream::Line& line, EnhancedCode over_long) {
  if (line.over_long) return make_reply(500, over_long, "Line too long");
  if (line.bare_lf) return make_reply(500, {5, 5, 2}, "Lines must end with CRLF");
  return {};
}

void Session::enter(State next) {
  state_ = next;
  if (!has_transaction(next)) transaction_.reset();
}

Task<> Session::dispatch(Command command) {
  if (const char* why = out_of_place(command, state_)) {
    if (const auto* chunk = std::get_if<Bdat>(&command)) co_await skip_chunk(chunk->size);
    complain(make_reply(503, {5, 5, 1}, why), Fault::fruitless);
    co_return;
  }
  auto step = std::visit([this](auto c) { return handle(std::move(c)); }, std::move(command));
  co_await std::move(step);
}

Task<> Session::handle(Noop) {
  reply(250, {2, 0, 0}, "Ok");
  co_return;
}

Task<> Session::handle(Help) {
  reply(214, {2, 0, 0}, "RFC 5321 tells all commands; people are at postmaster");
  co_return;
}

// RFC 5321 §7.3: who has an address is not told.
Task<> Session::handle(Vrfy) {
  reply(252, {2, 1, 5}, "Send some mail, we will try to deliver it");
  co_return;
}

Task<> Session::handle(Expn) {
  reply(502, {5, 5, 1}, "Lists are not expanded here");
  co_return;
}

Task<> Session::handle(Quit) {
  enter(State::closing);
  reply(221, {2, 0, 0}, server_.host + " closing");
  co_return;
}

void Session::reply(const Reply& what) {
  std::string text;
  render(what, text);
  io_.write(text);
}

void Session::reply(int code, EnhancedCode enhanced, std::string text) {
  reply(make_reply(code, enhanced, std::move(text)));
}

void Session::complain(const Reply& what, Fault fault) {
  complaints_ += fault == Fault::error ? cost_of_error : cost_of_fruitless;
  if (complaints_ < patience) {
    reply(what);
    return;
  }
  log::info("smtp.too_many_errors", {{"peer", io_.peer().address}});
  reply(421, {4, 7, 0}, server_.host + " too many errors, good-bye");
  enter(State::closing);
}

void Session::forget_everything() {
  enter(State::connected);
  helo_.clear();
  extended_ = false;
  principal_.reset();
}

}  // namespace todoke::smtp
