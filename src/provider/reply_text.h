#pragma once

#include "provider/rule.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace todoke::provider {

// A reply made ready for the rules.  Bounces quote replies in many dresses; undressed they are all
// alike: in lower case, blanks and controls as one space, an address as "@" (a mailbox named
// quota@… must not look like a full one), without the codes that some servers repeat in each line.
// Codes that were not given apart are taken from the text.
class ReplyText {
 public:
  // What is beyond is not looked at.
  static constexpr std::size_t max_bytes = 4096;

  explicit ReplyText(const Response& response);

  std::string_view words() const { return words_; }
  int code() const { return code_; }  // 0: not known
  const std::optional<smtp::EnhancedCode>& enhanced() const { return enhanced_; }
  // 4 or 5, 0 if not known: the first digit of the code, or the class of the enhanced code.
  int code_class() const;

 private:
  void take_codes(std::string_view& text);
  void learn_marked_code();
  void drop_repeated_codes();
  bool repeats_codes(std::string_view word) const;

  std::string words_;
  int code_;
  std::optional<smtp::EnhancedCode> enhanced_;
};

}  // namespace todoke::provider
