#include "smtp/client/dialogue.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <algorithm>
#include <utility>

namespace todoke::smtp {
namespace {

constexpr std::size_t max_line = 400;
constexpr std::size_t max_part = Dialogue::max_bytes / 2 - 16;
constexpr std::string_view cut_mark = "…\n";

}  // namespace

void Dialogue::add(char who, std::string_view line) {
  bool whole = line.size() <= max_line;
  auto text = std::string{who, ' '} + valid_utf8(utf8_prefix(line, max_line));
  std::ranges::replace_if(text, ascii::is_control, ' ');
  // What is not UTF-8 grows when it is replaced.
  if (text.size() > max_line) {
    text.resize(utf8_prefix(text, max_line).size());
    whole = false;
  }
  text += whole ? "\n" : "…\n";
  if (!cut_ && tail_.empty() && head_.size() + text.size() <= max_part) {
    head_ += text;
    return;
  }
  tail_ += text;
  while (tail_.size() > max_part) {
    tail_.erase(0, tail_.find('\n') + 1);
    cut_ = true;
  }
}

std::string Dialogue::text() const {
  return head_ + std::string(cut_ ? cut_mark : "") + tail_;
}

std::string Dialogue::take() {
  auto out = text();
  *this = {};
  return out;
}

}  // namespace todoke::smtp
