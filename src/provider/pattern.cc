#include "provider/pattern.h"

#include "base/ascii.h"

#include <fmt/format.h>

namespace todoke::provider {

Result<Pattern> Pattern::parse(std::string_view text) {
  auto wrong = [whole = std::string(text)](std::string_view why) {
    return fail(Errc::invalid, fmt::format("the pattern \"{}\" {}", whole, why));
  };
  if (text.size() > max_bytes) return wrong(fmt::format("is longer than {} bytes", max_bytes));
  Pattern pattern;
  if (text.starts_with('^')) {
    pattern.at_start_ = true;
    text.remove_prefix(1);
  }
  if (text.ends_with('$')) {
    pattern.at_end_ = true;
    text.remove_suffix(1);
  }
  if (text.empty()) return wrong("is empty");
  while (true) {
    auto piece = text.substr(0, text.find('*'));
    if (piece.empty()) return wrong("has a * that separates nothing");
    if (pattern.pieces_.size() == max_pieces) return wrong("has too many *");
    pattern.pieces_.push_back(ascii::to_lower(piece));
    if (piece.size() == text.size()) break;
    text.remove_prefix(piece.size() + 1);
  }
  return pattern;
}

// Taking the first place of each piece is enough: whatever a later place would leave for the
// pieces after it, the first one leaves too.
bool Pattern::matches(std::string_view text) const {
  std::size_t at = 0;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    std::string_view piece = pieces_[i];
    bool last = i + 1 == pieces_.size();
    if (i == 0 && at_start_) {
      if (!text.starts_with(piece)) return false;
      if (last && at_end_) return text.size() == piece.size();
      at = piece.size();
    } else if (last && at_end_) {
      return text.size() >= at + piece.size() && text.ends_with(piece);
    } else {
      auto found = text.find(piece, at);
      if (found == text.npos) return false;
      at = found + piece.size();
    }
  }
  return true;
}

}  // namespace todoke::provider
