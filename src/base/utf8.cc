#include "base/utf8.h"

#include "base/ascii.h"

#include <algorithm>

namespace todoke {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(0);
  if (first < 0x80) return 1;
  std::size_t length = first < 0xC2   ? 0
                       : first < 0xE0 ? 2
                       : first < 0xF0 ? 3
                       : first < 0xF5 ? 4
                                      : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::ranges::all_of(text.substr(1, length - 1), is_continuation)) return 0;
  // The second byte decides about overlong forms, surrogates and the end of Unicode.
  if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ||
      (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F))
    return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    auto length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, ascii::is_8bit);
}

std::string_view utf8_prefix(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  // A sequence has at most four bytes, so its lead byte is at most three before the cut.
  for (std::size_t back = 0; back < 4 && back <= limit; ++back) {
    auto start = limit - back;
    if (is_continuation(text[start])) continue;
    return text.substr(0, utf8_sequence(text.substr(start)) > back ? start : limit);
  }
  return text.substr(0, limit);
}

}  // namespace todoke
