#pragma once

#include "app/admin/progress.h"
#include "base/result.h"

#include <chrono>
#include <string>

namespace todoke::app {

bool is_terminal(int descriptor);

// Asks on the terminal; nothing typed shows.  Errc::unavailable: there is no terminal.
Result<std::string> ask_password(const std::string& prompt);
// The first line of standard input.
Result<std::string> read_password_from_stdin();
// Asks for a line; an empty one means `standard`.
Result<std::string> ask_line(const std::string& prompt, const std::string& standard);

// A bar on standard error for what takes longer than two seconds; where that is no terminal, a line
// every ten.
class TerminalProgress final : public Progress {
 public:
  TerminalProgress();
  ~TerminalProgress() override;
  [[nodiscard]] Task<> show() override;

 private:
  using Clock = std::chrono::steady_clock;
  std::string words(const State& state, std::chrono::seconds passed) const;
  bool terminal_;
  Clock::time_point start_;
  Clock::time_point last_line_;
  bool drawn_ = false;
};

// "[#####-----]" for done of total.
std::string bar(std::uint64_t done, std::uint64_t total, std::size_t width);

}  // namespace todoke::app
