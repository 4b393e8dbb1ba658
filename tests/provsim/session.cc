#include "provsim/session.h"

#include "base/ascii.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace todoke::provsim {
namespace {

constexpr std::size_t longest_command = 2000;
constexpr std::size_t longest_text_line = 1000;  // RFC 5321 §4.5.3.1.6

// What stands between < and > behind the colon; parameters follow.
std::optional<std::string> path_of(std::string_view argument, std::string_view keyword) {
  if (!ascii::starts_with_ignoring_case(argument, keyword)) return {};
  argument.remove_prefix(keyword.size());
  if (!argument.starts_with('<')) return {};
  bool is_quoted = false;
  for (std::size_t i = 1; i < argument.size(); ++i) {
    if (argument[i] == '"') is_quoted = !is_quoted;
    if (argument[i] == '\\')
      ++i;
    else if (argument[i] == '>' && !is_quoted)
      return std::string(argument.substr(1, i - 1));
  }
  return {};
}

std::string first_line(const std::string& reply) {
  return reply.substr(0, reply.find("\r\n"));
}

std::string many_times(std::string_view what, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += what;
  return text;
}

// RFC 5321 §4.5.2.
std::string unstuffed(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    auto end = std::min(text.find("\r\n"), text.size());
    auto line = text.substr(0, std::min(end + 2, text.size()));
    text.remove_prefix(line.size());
    if (line.starts_with('.')) line.remove_prefix(1);
    plain += line;
  }
  return plain;
}

}  // namespace

SessionMachine::SessionMachine(Provider& provider, std::string host, std::string peer, Act act)
    : provider_(provider), host_(std::move(host)), peer_(std::move(peer)), act_(std::move(act)) {}

SessionMachine::~SessionMachine() {
  auto& tally = provider_.tally();
  tally.most_messages = std::max(tally.most_messages, messages_);
  tally.most_recipients = std::max(tally.most_recipients, all_recipients_);
  provider_.left(peer_);
}

std::vector<Action> SessionMachine::open(Time now) {
  now_ = now;
  if (act_.kind == Act::Kind::pass)
    say(Stage::connect, fmt::format("220 {} ESMTP\r\n", host_));
  else
    perform(act_, Stage::connect);
  return std::exchange(actions_, {});
}

std::vector<Action> SessionMachine::receive(std::string_view bytes, Time now) {
  now_ = now;
  buffer_ += bytes;
  while (state_ == State::talking || state_ == State::text)
    if (!step()) break;
  if (is_over() || state_ == State::silent) buffer_.clear();
  return std::exchange(actions_, {});
}

bool SessionMachine::step() {
  if (state_ == State::text) {
    // The text may be empty: the dot right behind the line of DATA.
    if (buffer_.starts_with(".\r\n")) {
      buffer_.erase(0, 3);
      take_text("");
      return true;
    }
    auto end = buffer_.find("\r\n.\r\n", searched_);
    if (end == buffer_.npos) {
      searched_ = buffer_.size() < 4 ? 0 : buffer_.size() - 4;
      return false;
    }
    auto text = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 5);
    take_text(std::move(text));
    return true;
  }
  auto end = buffer_.find("\r\n");
  if (end == buffer_.npos) return false;
  auto line = buffer_.substr(0, end);
  buffer_.erase(0, end + 2);
  if (line.size() > longest_command || line.contains('\n')) fault("a command line of bad form");
  command(line);
  if (!buffer_.empty() && state_ == State::talking) {
    if (!provider_.offers("PIPELINING")) fault("pipelining that was not offered");
    if (provider_.phase(now_).unsteady) buffer_.clear();
  }
  return true;
}

void SessionMachine::command(const std::string& line) {
  auto space = std::min(line.find(' '), line.size());
  auto verb = ascii::to_upper(line.substr(0, space));
  auto argument = std::string_view(line).substr(std::min(space + 1, line.size()));
  // RFC 2920 §3.1: these stand last in a group.
  if (!buffer_.empty() && (verb == "EHLO" || verb == "DATA" || verb == "QUIT"))
    fault("something behind " + verb + " before its reply");
  if (verb == "EHLO" || verb == "HELO") {
    if (argument.empty()) fault("no name in " + verb);
    hello(verb == "EHLO");
  } else if (verb == "MAIL") {
    mail(argument);
  } else if (verb == "RCPT") {
    rcpt(argument);
  } else if (verb == "DATA") {
    data();
  } else if (verb == "RSET") {
    in_transaction_ = false;
    say(Stage::mail, "250 2.0.0 Ok\r\n");
  } else if (verb == "NOOP") {
    say(Stage::mail, "250 2.0.0 Ok\r\n");
  } else if (verb == "QUIT") {
    say(Stage::mail, "221 2.0.0 Bye\r\n");
    end(Action::Kind::close, Stage::mail);
  } else {
    fault("an unknown command: " + verb);
    say(Stage::mail, "502 5.5.1 Command not implemented\r\n");
  }
}

void SessionMachine::hello(bool is_extended) {
  std::string words;
  if (is_extended && !passes(Stage::ehlo, {}, words)) return;
  greeted_ = true;
  in_transaction_ = false;
  if (!is_extended) return say(Stage::ehlo, "250 " + host_ + "\r\n");
  std::string reply = "250-" + host_ + "\r\n";
  for (const auto& line : provider_.script().offers) reply += "250-" + line + "\r\n";
  reply[reply.rfind("250-") + 3] = ' ';
  say(Stage::ehlo, words.empty() ? reply : words);
}

void SessionMachine::mail(std::string_view argument) {
  provider_.tally().messages.push_back(now_);
  auto path = path_of(argument, "FROM:");
  if (!greeted_ || in_transaction_ || !path) {
    fault("MAIL out of order or of bad form");
    return say(Stage::mail, "503 5.5.1 Bad sequence of commands\r\n");
  }
  const auto& limit = provider_.phase(now_).messages;
  if (limit && messages_ >= limit->most) return perform(limit->act, Stage::mail);
  std::string words;
  if (!passes(Stage::mail, {}, words)) return;
  ++messages_;
  in_transaction_ = true;
  reverse_path_ = *path;
  recipients_.clear();
  say(Stage::mail, words.empty() ? "250 2.1.0 Ok\r\n" : words);
}

void SessionMachine::rcpt(std::string_view argument) {
  auto path = path_of(argument, "TO:");
  // A refused MAIL makes those that were pipelined behind it nobody's fault.
  if (!in_transaction_) return say(Stage::rcpt, "503 5.5.1 MAIL first\r\n");
  provider_.tally().recipients.push_back(now_);
  if (!path || path->empty()) {
    fault("RCPT of bad form");
    return say(Stage::rcpt, "501 5.5.4 Syntax\r\n");
  }
  const auto& limit = provider_.phase(now_).recipients;
  if (limit && all_recipients_ >= limit->most) {
    lose_what_was_taken();
    perform(limit->act, Stage::rcpt);
    return end(Action::Kind::close, Stage::rcpt);
  }
  ++all_recipients_;
  if (!provider_.serves(path->substr(path->rfind('@') + 1))) {
    fault("mail for a domain of others");
    return say(Stage::rcpt, "554 5.7.1 Relay access denied\r\n");
  }
  if (provider_.is_greylisted(peer_, reverse_path_, *path, now_))
    return perform({Act::Kind::reply, "451 4.7.1 Greylisted, please come back later\r\n"},
                   Stage::rcpt);
  std::string words;
  if (!passes(Stage::rcpt, {&*path, 1}, words)) return;
  recipients_.push_back(*path);
  say(Stage::rcpt, words.empty() ? "250 2.1.5 Ok\r\n" : words);
}

void SessionMachine::data() {
  if (!in_transaction_ || recipients_.empty())
    return say(Stage::data, "554 5.5.1 No recipients\r\n");
  std::string words;
  if (!passes(Stage::data, recipients_, words)) return;
  state_ = State::text;
  searched_ = 0;
  say(Stage::data, "354 Go on\r\n");
}

void SessionMachine::take_text(std::string text) {
  state_ = State::talking;
  in_transaction_ = false;
  text = unstuffed(text);
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) fault("a bare line feed in the text");
    line = text[i] == '\n' ? 0 : line + 1;
    if (line == longest_text_line) fault("a text line that is too long");
  }
  std::string words;
  if (!passes(Stage::end_of_data, recipients_, words)) return;
  auto begin = provider_.accept(peer_, reverse_path_, recipients_, text, now_);
  for (std::size_t i = 0; i < recipients_.size(); ++i) receipts_.push_back(begin + i);
  say(Stage::end_of_data,
      words.empty() ? fmt::format("250 2.0.0 Ok: queued as {:X}\r\n", begin + 1) : words);
}

bool SessionMachine::passes(Stage stage, std::span<const std::string> recipients,
                            std::string& words) {
  auto act = provider_.decide(stage, recipients, now_);
  if (act.kind == Act::Kind::pass) return true;
  if (act.kind == Act::Kind::reply && act.reply.starts_with('2')) {
    words = std::move(act.reply);
    return true;
  }
  perform(act, stage);
  return false;
}

void SessionMachine::perform(const Act& act, Stage stage) {
  using Kind = Act::Kind;
  auto& refusals = provider_.tally().refusals;
  auto note = [&](std::string_view what) {
    ++refusals[fmt::format("{}: {}", smtp::to_text(stage), what)];
  };
  switch (act.kind) {
    case Kind::pass:
      return;
    case Kind::reply:
    case Kind::cut:
      note(first_line(act.reply));
      say(stage, act.reply);
      if (act.kind == Kind::cut) end(Action::Kind::close, stage);
      return;
    case Kind::close:
      note("(closed)");
      return end(Action::Kind::close, stage);
    case Kind::refuse:
    case Kind::reset:
      note("(reset)");
      return end(Action::Kind::reset, stage);
    case Kind::timeout:
    case Kind::silence:
      note("(silence)");
      break;
    case Kind::garbage:
      note("(garbage)");
      say(stage, "HTTP/1.1 400 Bad Request\r\nServer: none\r\n\r\n");
      break;
    case Kind::endless:
      note("(endless)");
      say(stage, std::string(1 << 20, 'x'));
      break;
    case Kind::chatter:
      note("(chatter)");
      say(stage, many_times("250-Please wait\r\n", 20'000));
      break;
  }
  state_ = State::silent;
}

void SessionMachine::say(Stage stage, std::string bytes) {
  actions_.push_back({Action::Kind::send, provider_.latency(stage, now_), std::move(bytes)});
}

void SessionMachine::end(Action::Kind how, Stage stage) {
  if (is_over()) return;
  auto after = how == Action::Kind::reset ? provider_.latency(stage, now_) : microseconds(0);
  actions_.push_back({how, after, {}});
  state_ = State::over;
}

void SessionMachine::lose_what_was_taken() {
  for (auto at : receipts_) provider_.ledger().receipts[at].fate = Fate::lost;
}

}  // namespace todoke::provsim
