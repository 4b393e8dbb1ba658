#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// ASCII as the mail protocols know it: no locale, no bytes above 127 touched.
namespace todoke::ascii {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}
constexpr bool is_alnum(char c) {
  return is_digit(c) || is_alpha(c);
}
constexpr bool is_hex(char c) {
  return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'f');
}
constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}
// C0 controls and DEL.
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 32 || c == 127;
}
constexpr bool is_8bit(char c) {
  return static_cast<unsigned char>(c) >= 128;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}
constexpr bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// A protocol keyword of one to eight letters and digits, in any case, as one number, so that a
// switch can tell keywords apart; 0 for any other text.
constexpr std::uint64_t keyword(std::string_view text) {
  if (text.size() > 8) return 0;
  std::uint64_t key = 0;
  for (char c : text) {
    if (!is_alnum(c)) return 0;
    key = (key << 8) | static_cast<unsigned char>(lower(c));
  }
  return key;
}

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);

// An unsigned decimal number that is the whole of `text`; nothing on overflow or anything else.
std::optional<std::uint64_t> to_number(std::string_view text);

}  // namespace todoke::ascii
