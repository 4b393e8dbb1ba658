#pragma once

#include "base/clock.h"
#include "net/memory_stream.h"
#include "smtp/client/client.h"

#include <doctest/doctest.h>

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Plays the server's part of a conversation that is written down, and checks the client's.
namespace todoke::test {

// A script has one line each of
//   C: what the client sends; lines that follow each other come in one write
//   S: what the server says, CRLF added
//   s: the same without CRLF; "\0" stands for NUL, "\n" for LF
//   !: how the connection then goes: "reset", "timed out", "deaf" (writes fail from now on)
// The script's end is the end of the connection.
class Play {
 public:
  explicit Play(std::string_view script) {
    io.ends_with = net::Closed::Reason::ended;
    while (!script.empty()) {
      auto line = script.substr(0, script.find('\n'));
      script.remove_prefix(std::min(line.size() + 1, script.size()));
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      if (!line.empty()) add(line);
    }
    io.on_wait = [this](net::MemoryStream& stream) { turn(stream); };
  }

  // All of the script has been played, and the client has said nothing else.
  void finish() {
    CHECK(next_ == turns_.size());
    for (; next_ < turns_.size(); ++next_) CHECK(turns_[next_].client == "");
    CHECK(io.output() == "");
  }

  net::MemoryStream io;

 private:
  struct Turn {
    std::string client;
    std::string server;
    std::string fate;
  };

  void add(std::string_view line) {
    auto what = line[0];
    auto text = line.size() > 3 ? std::string(line.substr(3)) : std::string();
    if (turns_.empty() || (what == 'C' && !turns_.back().server.empty())) turns_.emplace_back();
    auto& turn = turns_.back();
    if (what == 'C') turn.client += text + "\r\n";
    if (what == 'S') turn.server += text + "\r\n";
    if (what == 's') {
      if (auto nul = text.find("\\0"); nul != text.npos) text.replace(nul, 2, 1, '\0');
      if (auto lf = text.find("\\n"); lf != text.npos) text.replace(lf, 2, 1, '\n');
      turn.server += text;
    }
    if (what == '!') turn.fate = text;
  }

  void turn(net::MemoryStream& stream) {
    if (next_ == turns_.size()) return;
    auto& turn = turns_[next_++];
    CHECK(stream.take_output() == turn.client);
    stream.feed(turn.server);
    if (turn.fate == "reset") stream.ends_with = net::Closed::Reason::reset;
    if (turn.fate == "timed out") stream.ends_with = net::Closed::Reason::timed_out;
    if (turn.fate == "deaf") stream.writes_fail = true;
  }

  std::vector<Turn> turns_;
  std::size_t next_ = 0;
};

// A text given in the pieces of `pieces`, then an error if there is one.
class Text final : public smtp::BodySource {
 public:
  explicit Text(std::vector<std::string> pieces = {"Subject: hi\r\n\r\n.dot\r\n"})
      : pieces_(std::move(pieces)) {}
  Task<Result<std::string_view>> next() override {
    ++calls;
    if (on_next) on_next();
    if (at_ < pieces_.size()) co_return std::string_view(pieces_[at_++]);
    if (!error.empty()) co_return fail(Errc::unavailable, error);
    co_return std::string_view();
  }
  std::string error;
  std::function<void()> on_next;
  int calls = 0;

 private:
  std::vector<std::string> pieces_;
  std::size_t at_ = 0;
};

// "end of data 250", "RCPT 550", "MAIL 553 ours", "DATA connection reset", "DATA: words".
inline std::string describe(smtp::Stage stage, smtp::Breakdown breakdown,
                            const std::optional<smtp::Reply>& reply, const std::string& text) {
  std::string out(smtp::to_text(stage));
  if (breakdown != smtp::Breakdown::none) out += " " + std::string(smtp::to_text(breakdown));
  if (reply) out += " " + std::to_string(reply->code);
  if (breakdown == smtp::Breakdown::none && !reply) out += ": " + text;
  return out;
}
inline std::string describe(const smtp::Ending& ending) {
  return describe(ending.stage, ending.breakdown, ending.reply, ending.text);
}
inline std::string describe(const std::vector<smtp::RecipientResult>& results) {
  std::string out;
  for (const auto& one : results) {
    if (!out.empty()) out += ", ";
    out += describe(one.stage, one.breakdown, one.reply, one.text);
    if (one.ours) out += " ours";
    if (one.accepted) out += " accepted";
  }
  return out;
}

// A conversation with a server that is written down, on a clock that stands still.
struct Scene {
  explicit Scene(std::string_view script) : play(script) {}

  smtp::Client& client() {
    if (!client_) {
      options.helo = "client.test";
      options.policy.need = need;
      if (need != smtp::TlsPolicy::Need::never && !options.tls)
        options.tls = *net::TlsClient::create();
      client_.emplace(play.io, options);
    }
    return *client_;
  }
  std::string open() {
    auto opened = block_on(client().open());
    return opened ? "open" : describe(opened.error());
  }
  static smtp::Message message(std::initializer_list<const char*> to, Text& text) {
    smtp::Message out{.reverse_path = "a@client.test", .text = &text};
    for (const char* one : to) out.recipients.push_back({.address = one});
    return out;
  }
  std::string send(std::initializer_list<const char*> to) {
    Text text;
    return send(message(to, text));
  }
  std::string send(smtp::Message message) {
    return describe(block_on(client().send(std::move(message))));
  }

  SimulatedClock clock{Time{}};
  Play play;
  smtp::ClientOptions options{.clock = clock};
  smtp::TlsPolicy::Need need = smtp::TlsPolicy::Need::never;

 private:
  std::optional<smtp::Client> client_;
};

}  // namespace todoke::test
