#pragma once

#include "base/clock.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace todoke {

// Makes 63-bit numbers that are unique in this installation and grow with time, so that rows keyed
// by them are appended at the right edge of their index.  43 bits of milliseconds since 2025 (279
// years), then a 20-bit count; a burst of more than a million in a millisecond borrows from the
// next.  Any thread.
class IdGenerator {
 public:
  explicit IdGenerator(const Clock& clock) : clock_(clock) {}
  std::int64_t next();
  // Never returns `id` or anything below it again; called with the largest stored id at start, so
  // that a clock set back cannot repeat one.
  void skip_past(std::int64_t id);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::int64_t last_ = 0;
};

// An id as people and logs see it: 13 characters, Crockford base 32, sorts as the number does.
std::string id_text(std::int64_t id);
// The id that such a text stands for, also when it was typed in capitals or with the letters o, i
// and l in place of digits.  Nothing: it is none.
std::optional<std::int64_t> parse_id(std::string_view text);

}  // namespace todoke
