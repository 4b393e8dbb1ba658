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

void append_utf8(std::string& out, char32_t c) {
  auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 63));
  } else if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
    out += replacement_character;
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 63));
    put(0x80 | (c & 63));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 63));
    put(0x80 | ((c >> 6) & 63));
    put(0x80 | (c & 63));
  }
}

Utf8Reader::Step Utf8Reader::step(char byte) {
  auto b = static_cast<unsigned char>(byte);
  if (needed_ > 0) {
    if (b < lowest_ || b > highest_) {
      needed_ = 0;
      lowest_ = 0x80;
      highest_ = 0xBF;
      return Step::bad_before;
    }
    lowest_ = 0x80;
    highest_ = 0xBF;
    return --needed_ == 0 ? Step::character : Step::more;
  }
  length_ = 1;
  if (b < 0x80) return Step::character;
  if (b < 0xC2 || b > 0xF4) return Step::bad;
  needed_ = b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
  length_ = needed_ + 1;
  if (b == 0xE0) lowest_ = 0xA0;
  if (b == 0xED) highest_ = 0x9F;
  if (b == 0xF0) lowest_ = 0x90;
  if (b == 0xF4) highest_ = 0x8F;
  return Step::more;
}

Utf8Count count_utf8(std::string_view bytes) {
  Utf8Count count;
  Utf8Reader reader;
  for (std::size_t i = 0; i < bytes.size();) {
    auto step = reader.step(bytes[i]);
    if (step != Utf8Reader::Step::bad_before) ++i;
    if (step == Utf8Reader::Step::bad || step == Utf8Reader::Step::bad_before) ++count.errors;
    if (step != Utf8Reader::Step::character) continue;
    if (reader.length() > 1) ++count.multibyte;
    if (reader.length() > 2) ++count.long_forms;
  }
  count.cut_off = reader.within_character();
  return count;
}

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  Utf8Reader reader;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    switch (reader.step(bytes[i])) {
      case Utf8Reader::Step::more:
        ++i;
        break;
      case Utf8Reader::Step::character:
        ++i;
        out += bytes.substr(begin, i - begin);
        begin = i;
        break;
      case Utf8Reader::Step::bad:
        ++i;
        [[fallthrough]];
      case Utf8Reader::Step::bad_before:
        out += replacement_character;
        begin = i;
        break;
    }
  }
  if (reader.within_character()) out += replacement_character;
  return out;
}

}  // namespace todoke
