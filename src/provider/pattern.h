#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::provider {

// Words to look for in a reply: found anywhere in the text, in any case.  `*` stands for any run of
// bytes, `^` in front ties the pattern to the beginning of the text, `$` at the end to its end.  An
// address in the text is always just "@" (reply_text.h).  Matching looks at each byte of the text
// a bounded number of times and never goes back over a `*`.
class Pattern {
 public:
  static constexpr std::size_t max_bytes = 120;
  static constexpr std::size_t max_pieces = 6;

  static Result<Pattern> parse(std::string_view text);
  // `text` is in lower case already.
  bool matches(std::string_view text) const;

 private:
  std::vector<std::string> pieces_;  // between the stars; none is empty
  bool at_start_ = false;
  bool at_end_ = false;
};

}  // namespace todoke::provider
