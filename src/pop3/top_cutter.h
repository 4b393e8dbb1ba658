#pragma once

#include <cstdint>
#include <string_view>

namespace todoke::pop3 {

// Cuts a message after its header, the empty line and a number of lines of its body, for TOP
// (RFC 1939 §7).  Takes the message in any pieces; a bare LF ends a line too.  Linear, no memory.
class TopCutter {
 public:
  explicit TopCutter(std::uint32_t body_lines) : lines_left_(body_lines) {}

  // The part of `piece` that belongs to the answer.
  std::string_view take(std::string_view piece);
  // Nothing more is wanted.
  bool done() const { return done_; }

 private:
  std::uint32_t lines_left_;
  bool in_header_ = true;
  bool done_ = false;
  std::uint64_t line_length_ = 0;  // of the line under way, as far as earlier pieces had it
  char last_ = 0;
};

}  // namespace todoke::pop3
