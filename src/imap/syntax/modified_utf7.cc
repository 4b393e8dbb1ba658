#include "base/ascii.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "imap/syntax/mailbox_name.h"

#include <algorithm>
#include <cstdint>

// RFC 3501 §5.1.3.
namespace todoke::imap {
namespace {

// `length` bytes of well-formed UTF-8 as a code point.
char32_t code_point(std::string_view text, std::size_t length) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (length == 1) return byte(0);
  char32_t value = byte(0) & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) value = value << 6 | (byte(i) & 0x3Fu);
  return value;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

void append_utf16(std::string& out, char32_t c) {
  auto unit = [&](char32_t u) {
    out += static_cast<char>(u >> 8);
    out += static_cast<char>(u & 0xFF);
  };
  if (c >= 0x10000) {
    unit(0xD800 + ((c - 0x10000) >> 10));
    unit(0xDC00 + ((c - 0x10000) & 0x3FF));
  } else {
    unit(c);
  }
}

// UTF-16, big-endian; false when surrogates do not pair.
bool append_from_utf16(std::string& out, std::string_view bytes) {
  if (bytes.size() % 2 != 0) return false;
  auto unit = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(bytes[i]) << 8 |
                                 static_cast<unsigned char>(bytes[i + 1]));
  };
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    auto c = unit(i);
    if (c >= 0xDC00 && c < 0xE000) return false;
    if (c >= 0xD800 && c < 0xDC00) {
      i += 2;
      if (i >= bytes.size()) return false;
      auto low = unit(i);
      if (low < 0xDC00 || low >= 0xE000) return false;
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, c);
  }
  return true;
}

// Base64 with "," for "/" and no padding.
std::string encode_shift(std::string_view utf16) {
  auto text = base64_encode(utf16);
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '/', ',');
  return "&" + text + "-";
}

bool decode_shift(std::string_view shift, std::string& out) {
  std::string text(shift);
  if (text.find('/') != text.npos) return false;
  std::ranges::replace(text, ',', '/');
  while (text.size() % 4 != 0) text += '=';
  auto utf16 = base64_decode(text);
  return utf16 && append_from_utf16(out, *utf16);
}

}  // namespace

std::string to_modified_utf7(std::string_view utf8, std::string_view escape) {
  std::string out, shifted;
  auto end_shift = [&] {
    if (!shifted.empty()) out += encode_shift(shifted);
    shifted.clear();
  };
  while (!utf8.empty()) {
    auto length = utf8_sequence(utf8);
    auto c = length > 0 ? code_point(utf8, length) : char32_t{0xFFFD};
    utf8.remove_prefix(std::max<std::size_t>(1, length));
    if (c >= 0x20 && c < 0x7F && escape.find(static_cast<char>(c)) == escape.npos) {
      end_shift();
      out += static_cast<char>(c);
      if (c == '&') out += '-';
    } else {
      append_utf16(shifted, c);
    }
  }
  end_shift();
  return out;
}

std::optional<std::string> from_modified_utf7(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    char c = text.front();
    text.remove_prefix(1);
    if (ascii::is_control(c) || ascii::is_8bit(c)) return {};
    if (c != '&') {
      out += c;
      continue;
    }
    auto end = text.find('-');
    if (end == text.npos) return {};
    if (end == 0)
      out += '&';
    else if (!decode_shift(text.substr(0, end), out))
      return {};
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace todoke::imap
