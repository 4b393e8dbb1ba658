#include "app/cli/terminal.h"

#include "app/cli/render.h"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace todoke::app {

bool is_terminal(int descriptor) {
  return ::isatty(descriptor) == 1;
}

Result<std::string> ask_password(const std::string& prompt) {
  if (!is_terminal(0))
    return fail(Errc::unavailable,
                "there is no terminal to ask for the password; use --password-stdin");
  std::cerr << prompt << std::flush;
  termios before{};
  ::tcgetattr(0, &before);
  auto silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(0, TCSAFLUSH, &silent);
  std::string line;
  bool read = static_cast<bool>(std::getline(std::cin, line));
  ::tcsetattr(0, TCSAFLUSH, &before);
  std::cerr << "\n";
  if (!read) return fail(Errc::invalid, "no password was given");
  return line;
}

Result<std::string> read_password_from_stdin() {
  std::string line;
  if (!std::getline(std::cin, line) || line.empty())
    return fail(Errc::invalid, "no password on standard input");
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

Result<std::string> ask_line(const std::string& prompt, const std::string& standard) {
  if (!is_terminal(0)) return standard;
  std::cerr << prompt << " [" << standard << "]: " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line)) return fail(Errc::invalid, "nothing was given");
  return line.empty() ? standard : line;
}

std::string bar(std::uint64_t done, std::uint64_t total, std::size_t width) {
  auto filled = total == 0 ? 0
                           : static_cast<std::size_t>(static_cast<double>(std::min(done, total)) /
                                                      static_cast<double>(total) *
                                                      static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "]";
}

TerminalProgress::TerminalProgress()
    : terminal_(is_terminal(2)), start_(Clock::now()), last_line_(start_) {}

TerminalProgress::~TerminalProgress() {
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
}

std::string TerminalProgress::words(const State& state, std::chrono::seconds passed) const {
  bool bytes = state.what.starts_with("bytes");
  auto shown = [&](std::uint64_t n) {
    return bytes ? human_size(static_cast<std::int64_t>(n)) : fmt::format("{}", n);
  };
  if (state.total == 0)
    return state.done == 0 ? state.what : fmt::format("{} {}", shown(state.done), state.what);
  auto text = fmt::format("{} of {} {}", shown(state.done), shown(state.total), state.what);
  if (state.done > 0 && state.done < state.total) {
    auto left = static_cast<double>(passed.count()) / static_cast<double>(state.done) *
                static_cast<double>(state.total - state.done);
    text +=
        fmt::format(", {}:{:02} left", static_cast<long>(left) / 60, static_cast<long>(left) % 60);
  }
  return text;
}

Task<> TerminalProgress::show() {
  using namespace std::chrono_literals;
  auto now = Clock::now();
  if (now - start_ < 2s) co_return;
  auto current = state();
  auto text = words(current, std::chrono::floor<std::chrono::seconds>(now - start_));
  if (terminal_) {
    std::cerr << "\r\x1b[K" << (current.total > 0 ? bar(current.done, current.total, 30) + " " : "")
              << text << std::flush;
    drawn_ = true;
  } else if (now - last_line_ >= 10s) {
    last_line_ = now;
    std::cerr << text << "\n";
  }
}

}  // namespace todoke::app
