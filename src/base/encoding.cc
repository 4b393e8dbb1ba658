#include "base/encoding.h"

#include "base/ascii.h"

#include <array>
#include <cstdint>

namespace todoke {
namespace {

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i)
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}();

constexpr std::string_view base32_alphabet = "abcdefghijklmnopqrstuvwxyz234567";

int base32_value(char c) {
  if (ascii::is_alpha(c)) return ascii::lower(c) - 'a';
  return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int hex_value(char c) {
  if (ascii::is_digit(c)) return c - '0';
  return ascii::is_hex(c) ? ascii::lower(c) - 'a' + 10 : -1;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int count = 0;
  auto put = [&](std::uint32_t six) { out += base64_alphabet[six & 63]; };
  for (unsigned char c : bytes) {
    bits = (bits << 8) | c;
    if (++count < 3) continue;
    for (int shift : {18, 12, 6, 0}) put(bits >> shift);
    bits = 0;
    count = 0;
  }
  if (count == 1) {
    put(bits >> 2);
    put(bits << 4);
    out += "==";
  } else if (count == 2) {
    put(bits >> 10);
    put(bits >> 4);
    put(bits << 2);
    out += '=';
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : text.substr(0, text.size() - padding)) {
    auto value = base64_values[static_cast<unsigned char>(c)];
    if (value < 0) return {};
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    if (++count < 4) continue;
    for (int shift : {16, 8, 0}) out += static_cast<char>((bits >> shift) & 255);
    bits = 0;
    count = 0;
  }
  if (count == 3) {
    if ((bits & 3) != 0) return {};
    out += static_cast<char>((bits >> 10) & 255);
    out += static_cast<char>((bits >> 2) & 255);
  } else if (count == 2) {
    if ((bits & 15) != 0) return {};
    out += static_cast<char>((bits >> 4) & 255);
  } else if (count != 0) {
    return {};
  }
  return out;
}

std::string base32_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t bits = 0;
  int count = 0;  // of bits that are not written yet
  for (unsigned char c : bytes) {
    bits = (bits << 8) | c;
    for (count += 8; count >= 5; count -= 5) out += base32_alphabet[(bits >> (count - 5)) & 31];
  }
  if (count > 0) out += base32_alphabet[(bits << (5 - count)) & 31];
  return out;
}

std::optional<std::string> base32_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 5 / 8);
  std::uint32_t bits = 0;
  int count = 0;  // of bits that belong to no byte yet
  for (char c : text) {
    auto value = base32_value(c);
    if (value < 0) return {};
    bits = (bits << 5) | static_cast<std::uint32_t>(value);
    if ((count += 5) < 8) continue;
    count -= 8;
    out += static_cast<char>((bits >> count) & 255);
  }
  if (count >= 5 || (bits & ((1u << count) - 1)) != 0) return {};
  return out;
}

std::string hex_encode(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (unsigned char c : bytes) {
    out += digits[c >> 4];
    out += digits[c & 15];
  }
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return {};
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

}  // namespace todoke
