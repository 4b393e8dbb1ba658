#include "smtp/syntax/xtext.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>

namespace todoke::smtp {
namespace {

// RFC 3461 §4 xchar.
bool is_xchar(char c) {
  return c >= '!' && c <= '~' && c != '+' && c != '=';
}

// RFC 6533 §3 QCHAR.
bool is_qchar(char c) {
  return is_xchar(c) && c != '\\';
}

bool is_upper_hex(char c) {
  return ascii::is_digit(c) || (c >= 'A' && c <= 'F');
}

std::uint32_t hex_number(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

void put_utf8(std::uint32_t point, std::string& out) {
  auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  auto put_low = [&](std::uint32_t shift) { put(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xC0 | (point >> 6));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put_low(6);
  } else {
    put(0xF0 | (point >> 18));
    put_low(12);
    put_low(6);
  }
  put_low(0);
}

// The code point of a well-formed sequence of two or more bytes.
std::uint32_t code_point(std::string_view sequence) {
  auto point = static_cast<unsigned char>(sequence[0]) & (0xFFU >> (sequence.size() + 1));
  for (unsigned char c : sequence.substr(1)) point = (point << 6) | (c & 0x3FU);
  return point;
}

}  // namespace

std::string xtext_encode(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes) {
    if (is_xchar(c))
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "+{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::optional<std::string> xtext_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Cursor cursor(text);
  while (true) {
    out += cursor.take_while(is_xchar);
    if (cursor.at_end()) return out;
    if (!cursor.take('+')) return {};
    auto digits = cursor.take_bytes(2);
    // Lower-case digits are against the RFC and harmless.
    if (digits.empty() || !std::ranges::all_of(digits, ascii::is_hex)) return {};
    out += static_cast<char>(hex_number(digits));
  }
}

std::optional<std::string> utf8_address_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  Cursor cursor(text);
  while (true) {
    out += cursor.take_while([](char c) { return is_qchar(c) || ascii::is_8bit(c); });
    if (cursor.at_end()) break;
    if (!cursor.take('\\') || !cursor.take('x') || !cursor.take('{')) return {};
    auto digits = cursor.take_while(is_upper_hex);
    if (digits.size() < 2 || digits.size() > 6 || !cursor.take('}')) return {};
    auto point = hex_number(digits);
    if (point > 0x10FFFF) return {};
    put_utf8(point, out);
  }
  // Raw bytes may be anything, and a surrogate may have been spelt out.
  if (!is_utf8(out)) return {};
  return out;
}

std::string utf8_address_encode(std::string_view address) {
  std::string out;
  out.reserve(address.size());
  auto put_point = [&out](std::uint32_t point) {
    fmt::format_to(std::back_inserter(out), "\\x{{{:02X}}}", point);
  };
  while (!address.empty()) {
    auto length = utf8_sequence(address);
    if (length == 0)
      put_point(0xFFFD);
    else if (length > 1)
      put_point(code_point(address.substr(0, length)));
    else if (is_qchar(address.front()))
      out += address.front();
    else
      put_point(static_cast<unsigned char>(address.front()));
    address.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace todoke::smtp
