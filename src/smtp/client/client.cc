#include "smtp/client/client.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace todoke::smtp {
namespace {

using namespace std::chrono_literals;

// RFC 5321 §4.5.3.1.5 has 512 bytes.
constexpr std::size_t max_reply_line = 4096;
// The deadline is looked at once a second: this makes two at most.
constexpr auto patience_at_quit = 1s;
constexpr int service_not_available = 421;  // RFC 5321 §3.8

Breakdown to_breakdown(net::Closed::Reason reason) {
  using Reason = net::Closed::Reason;
  switch (reason) {
    case Reason::reset:
      return Breakdown::reset;
    case Reason::timed_out:
      return Breakdown::timed_out;
    case Reason::tls:
      return Breakdown::tls;
    case Reason::stopping:
      return Breakdown::none;
    case Reason::ended:
    case Reason::other:
      break;
  }
  return Breakdown::closed;
}

}  // namespace

Client::Client(net::Stream& io, ClientOptions options) : io_(io), options_(std::move(options)) {
  TODOKE_ASSERT(options_.tls || options_.policy.need == TlsPolicy::Need::never);
}

Client::~Client() = default;

void Client::begin_overall() {
  latest_ = options_.clock.steady() + options_.timeouts.overall;
}

void Client::rest() {
  state_ = State::open;
  io_.set_deadline(options_.timeouts.overall);
}

bool Client::allow(std::chrono::seconds time) {
  auto left = std::chrono::duration_cast<std::chrono::seconds>(latest_ - options_.clock.steady());
  if (left <= 0s) return false;
  io_.set_deadline(std::min(time, left));
  return true;
}

void Client::say(std::string_view line, Said how) {
  io_.write(line);
  io_.write("\r\n");
  if (how == Said::openly)
    dialogue_.add('>', line);
  else
    dialogue_.add('>', line.starts_with("AUTH ") ? line.substr(0, line.find(' ', 5)) : "(secret)");
}

Task<> Client::flush(std::chrono::seconds time) {
  if (write_failure_ || !allow(time)) co_return;
  try {
    co_await io_.flush();
  } catch (const net::Closed& closed) {
    write_failure_ = closed;
    io_.drop_output();
  }
}

Task<Client::Heard> Client::hear(Stage stage, std::chrono::seconds time, Said how) {
  co_await flush(time);
  if (!allow(time)) co_return break_off(stage, Breakdown::timed_out, "It took too long in all");
  ReplyParser parser;
  for (;;) {
    auto line = co_await hear_line(stage);
    if (!line) co_return std::unexpected(std::move(line).error());
    // A refusal holds no secret.
    bool hidden = how == Said::secret && (line->starts_with('2') || line->starts_with('3'));
    dialogue_.add('<', hidden ? line->substr(0, 3) : *line);
    auto complete = parser.add(*line);
    if (!complete) co_return break_off(stage, Breakdown::garbage, std::move(complete).error().text);
    if (*complete) break;
  }
  auto reply = parser.take();
  if (reply.code == service_not_available) state_ = State::broken;
  co_return reply;
}

Task<std::expected<std::string, Ending>> Client::hear_line(Stage stage) {
  std::size_t searched = 0;
  for (;;) {
    auto seen = io_.buffered();
    auto end = seen.find('\n', searched);
    if (std::min(end, seen.size()) > max_reply_line)
      co_return break_off(stage, Breakdown::garbage, "A line of the reply is too long");
    if (end != seen.npos) {
      auto text = seen.substr(0, end);
      if (text.ends_with('\r')) text.remove_suffix(1);
      std::string line(text);
      io_.consume(end + 1);
      co_return line;
    }
    searched = seen.size();
    try {
      co_await io_.fill();
    } catch (const net::Closed& closed) {
      co_return lost(stage, closed);
    }
  }
}

Task<Client::Heard> Client::ask(Stage stage, std::string line, std::chrono::seconds time,
                                Said how) {
  auto silent = expect_silence(stage);
  if (!silent) co_return std::unexpected(std::move(silent).error());
  say(line, how);
  co_return co_await hear(stage, time, how);
}

// A server that speaks first is out of step: its next words would be taken for an answer.
Client::Step Client::expect_silence(Stage stage) {
  if (io_.buffered().empty()) return {};
  dialogue_.add('<', io_.buffered().substr(0, io_.buffered().find('\n')));
  return break_off(stage, Breakdown::garbage, "The server spoke before it was asked");
}

std::unexpected<Ending> Client::break_off(Stage stage, Breakdown breakdown, std::string text) {
  state_ = State::broken;
  io_.drop_output();
  dialogue_.add('=', text);
  return std::unexpected(Ending{stage, breakdown, {}, std::move(text)});
}

std::unexpected<Ending> Client::lost(Stage stage, const net::Closed& closed) {
  // How the connection was broken shows when writing; reading afterwards only finds it gone.
  bool write_failed_first = write_failure_ && closed.reason == net::Closed::Reason::ended;
  const auto& why = write_failed_first ? *write_failure_ : closed;
  bool ours = why.reason == net::Closed::Reason::stopping;
  return break_off(stage, to_breakdown(why.reason), ours ? "We are stopping" : why.what());
}

std::unexpected<Ending> Client::out_of_place(Stage stage, Reply reply) {
  auto ending = break_off(stage, Breakdown::garbage, "The reply does not fit the command");
  ending.error().reply = std::move(reply);
  return ending;
}

// The server does not want us, and is told good-bye.
std::unexpected<Ending> Client::refused(Stage stage, Reply reply) {
  if (state_ != State::broken) state_ = State::bye;
  return std::unexpected(Ending{stage, Breakdown::none, std::move(reply), {}});
}

Task<> Client::reset() {
  if (state_ != State::open) co_return;
  begin_overall();
  auto heard = co_await ask(Stage::mail, "RSET", options_.timeouts.command);
  // RFC 5321 §4.1.1.5 knows no refusal.
  if (heard && state_ == State::open && !heard->is_positive()) state_ = State::bye;
  needs_reset_ = false;
  if (state_ == State::open) rest();
}

Task<> Client::quit() {
  if ((state_ != State::open && state_ != State::bye) || write_failure_) co_return;
  state_ = State::broken;
  latest_ = options_.clock.steady() + patience_at_quit;
  auto heard = co_await ask(Stage::end_of_data, "QUIT", patience_at_quit);
  (void)heard;
}

}  // namespace todoke::smtp
