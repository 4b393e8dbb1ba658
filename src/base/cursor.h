#pragma once

#include "base/ascii.h"

#include <cstddef>
#include <string_view>

namespace todoke {

// A checked cursor over text that every hand-written parser uses.  Each take_* consumes what it
// names or nothing.  The text must outlive the cursor and the views it hands out.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t offset() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }
  // The next byte, or NUL at the end.
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // `word` in any case.
  bool take_word(std::string_view word) {
    if (!ascii::starts_with_ignoring_case(rest(), word)) return false;
    at_ += word.size();
    return true;
  }
  // The longest run of bytes for which `wanted(c)` holds; may be empty.
  template <class Predicate>
  std::string_view take_while(Predicate wanted) {
    auto begin = at_;
    while (!at_end() && wanted(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  // Up to, and not including, the first byte that is in `stops`; the whole rest if none is.
  std::string_view take_until(std::string_view stops) {
    auto found = rest().substr(0, rest().find_first_of(stops));
    at_ += found.size();
    return found;
  }
  // Exactly `count` bytes, or an empty view if fewer are left.
  std::string_view take_bytes(std::size_t count) {
    if (text_.size() - at_ < count) return {};
    at_ += count;
    return text_.substr(at_ - count, count);
  }
  void skip_spaces() { take_while(ascii::is_space); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace todoke
