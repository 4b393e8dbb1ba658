#pragma once

#include "provsim/provider.h"

#include <string>
#include <string_view>
#include <vector>

namespace todoke::provsim {

// What a server does, one thing after the other.
struct Action {
  enum class Kind { send, close, reset };
  Kind kind = Kind::send;
  microseconds after{0};  // since the action before it was done, or the bytes came
  std::string bytes;
};

// One connection to a provider, as a server: bytes in, actions out.  No I/O; time is handed in.  It
// never waits for anything itself, so that a simulated clock and a socket can both drive it.
class SessionMachine {
 public:
  // `act` is what Provider::call() answered.
  SessionMachine(Provider& provider, std::string host, std::string peer, Act act);
  ~SessionMachine();
  SessionMachine(const SessionMachine&) = delete;
  SessionMachine& operator=(const SessionMachine&) = delete;

  // The greeting, or what comes instead.
  std::vector<Action> open(Time now);
  std::vector<Action> receive(std::string_view bytes, Time now);
  // The connection was closed or reset from this side, or waits for nothing any more.
  bool is_over() const { return state_ == State::over; }

 private:
  enum class State { talking, text, silent, over };

  // Takes one line or the text out of the buffer; false: there is not enough.
  bool step();
  void command(const std::string& line);
  void hello(bool is_extended);
  void mail(std::string_view path);
  void rcpt(std::string_view path);
  void data();
  void take_text(std::string text);
  // Does what the rules want at this stage; true: nothing, or a reply in the 2xx, which is in
  // `words` then.
  bool passes(Stage stage, std::span<const std::string> recipients, std::string& words);
  void perform(const Act& act, Stage stage);
  void say(Stage stage, std::string bytes);
  void end(Action::Kind how, Stage stage);
  void fault(const std::string& what) { ++provider_.ledger().faults[what]; }
  void lose_what_was_taken();

  Provider& provider_;
  const std::string host_;
  const std::string peer_;
  const Act act_;
  State state_ = State::talking;
  Time now_{};
  std::string buffer_;
  std::size_t searched_ = 0;  // of the text in the buffer
  std::vector<Action> actions_;

  bool greeted_ = false;
  bool in_transaction_ = false;
  std::string reverse_path_;
  std::vector<std::string> recipients_;
  int messages_ = 0;
  int all_recipients_ = 0;
  std::vector<std::size_t> receipts_;  // of this connection, in the ledger
};

}  // namespace todoke::provsim
