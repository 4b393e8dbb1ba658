#include "mime/transfer.h"

#include "base/ascii.h"
#include "base/encoding.h"

#include <algorithm>
#include <array>
#include <utility>

namespace todoke::mime {
namespace {

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 26; ++i) {
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(i);
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(i + 26);
  }
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i + 52);
  values['+'] = 62;
  values['/'] = 63;
  return values;
}();

// Four characters as three bytes in the low bits; negative unless each of them is a digit.
int base64_group(const char* text) {
  auto digit = [&](int i) { return int{base64_values[static_cast<unsigned char>(text[i])]}; };
  const int a = digit(0), b = digit(1), c = digit(2), d = digit(3);
  if ((a | b | c | d) < 0) return -1;
  return a << 18 | b << 12 | c << 6 | d;
}

// Characters that quoted-printable does not pass as they are, whatever follows.
constexpr bool is_quoted_printable_special(char c) {
  return c == '=' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hex_digit(char c) {
  return ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10;
}

// White space held back while we wait for the end of the line; more than any honest line has.
constexpr std::size_t max_pending_space = 1'000;

std::string_view first_token(std::string_view field_value) {
  auto token = ascii::trim(field_value);
  return token.substr(0, token.find_first_of(" \t;("));
}

}  // namespace

TransferEncoding transfer_encoding(std::string_view field_value) {
  auto token = first_token(field_value);
  if (ascii::equal_ignoring_case(token, "base64")) return TransferEncoding::base64;
  if (ascii::equal_ignoring_case(token, "quoted-printable"))
    return TransferEncoding::quoted_printable;
  return TransferEncoding::identity;
}

bool is_known_encoding(std::string_view field_value) {
  auto token = first_token(field_value);
  for (std::string_view plain : {"", "7bit", "8bit", "binary"})
    if (ascii::equal_ignoring_case(token, plain)) return true;
  return transfer_encoding(token) != TransferEncoding::identity;
}

void TransferDecoder::feed(std::string_view bytes, std::string& out) {
  switch (encoding_) {
    case TransferEncoding::identity:
      out += bytes;
      break;
    case TransferEncoding::base64:
      base64(bytes, out);
      break;
    case TransferEncoding::quoted_printable:
      while (!bytes.empty()) {
        if (pending_.empty()) {
          const auto run = std::ranges::find_if(bytes, is_quoted_printable_special);
          const auto length = static_cast<std::size_t>(run - bytes.begin());
          out += bytes.substr(0, length);
          bytes.remove_prefix(length);
          if (bytes.empty()) break;
        }
        quoted_printable(bytes.front(), out);
        bytes.remove_prefix(1);
      }
      break;
  }
}

void TransferDecoder::finish(std::string& out) {
  if (encoding_ == TransferEncoding::base64) flush_base64(out);
  // A `=` at the very end is a soft line break that lost its line; white space there is padding.
  if (pending_.size() == 2 && ascii::is_hex(pending_[1])) out += pending_;
  pending_.clear();
}

void TransferDecoder::base64(std::string_view bytes, std::string& out) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    // Whole groups at once, which is nearly all of a part.
    while (sextets_ == 0 && bytes.size() - i >= 4) {
      const int group = base64_group(bytes.data() + i);
      if (group < 0) break;
      const char three[] = {static_cast<char>(group >> 16), static_cast<char>(group >> 8),
                            static_cast<char>(group)};
      out.append(three, 3);
      i += 4;
    }
    if (i == bytes.size()) break;
    const char c = bytes[i];
    if (c == '=') {
      flush_base64(out);
      continue;
    }
    int value = base64_values[static_cast<unsigned char>(c)];
    if (value < 0) continue;
    bits_ = (bits_ << 6) | static_cast<std::uint32_t>(value);
    if (++sextets_ < 4) continue;
    for (int shift : {16, 8, 0}) out += static_cast<char>((bits_ >> shift) & 255);
    bits_ = 0;
    sextets_ = 0;
  }
}

// The whole bytes of an unfinished group; a single sextet is none.
void TransferDecoder::flush_base64(std::string& out) {
  if (sextets_ == 2) out += static_cast<char>((bits_ >> 4) & 255);
  if (sextets_ == 3) {
    out += static_cast<char>((bits_ >> 10) & 255);
    out += static_cast<char>((bits_ >> 2) & 255);
  }
  bits_ = 0;
  sextets_ = 0;
}

// `pending_` is one of: nothing, white space perhaps with a CR behind it, `=` with such white
// space, or `=` with one hexadecimal digit.
void TransferDecoder::quoted_printable(char c, std::string& out) {
  bool room = pending_.size() < max_pending_space;
  bool blank = ascii::is_space(c) || c == '\r';
  if (pending_.starts_with('=')) {
    bool one_digit = pending_.size() > 1 && ascii::is_hex(pending_[1]);
    if (one_digit && ascii::is_hex(c)) {
      out += static_cast<char>(hex_digit(pending_[1]) * 16 + hex_digit(c));
      return pending_.clear();
    }
    if (!one_digit && c == '\n') return pending_.clear();
    if (!one_digit && ((blank && room) || (pending_.size() == 1 && ascii::is_hex(c)))) {
      pending_ += c;
      return;
    }
    out += std::exchange(pending_, {});
  }
  if (c == '\n') {
    out += pending_.ends_with('\r') ? "\r\n" : "\n";
    return pending_.clear();
  }
  if (pending_.ends_with('\r')) out += std::exchange(pending_, {});
  if (blank && room) {
    pending_ += c;
    return;
  }
  out += std::exchange(pending_, {});
  if (c == '=') {
    pending_ += c;
  } else {
    out += c;
  }
}

std::string decode_transfer(std::string_view bytes, TransferEncoding encoding) {
  std::string out;
  TransferDecoder decoder(encoding);
  decoder.feed(bytes, out);
  decoder.finish(out);
  return out;
}

std::string encode_base64_lines(std::string_view bytes) {
  constexpr std::size_t bytes_per_line = 57;
  std::string out;
  out.reserve(bytes.size() / bytes_per_line * 78 + 80);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes_per_line, bytes.size()))) {
    out += base64_encode(bytes.substr(0, bytes_per_line));
    out += "\r\n";
  }
  return out;
}

std::string encode_quoted_printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::size_t max_line = 76;
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t column = 0;
  auto at_break = [&](std::size_t i) { return text[i] == '\n' || text[i] == '\r'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at_break(i)) {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      out += "\r\n";
      column = 0;
      continue;
    }
    char c = text[i];
    bool last = i + 1 == text.size() || at_break(i + 1);
    bool encode = ascii::is_8bit(c) || c == '=' || (ascii::is_control(c) && c != '\t') ||
                  (ascii::is_space(c) && last) ||
                  (column == 0 && ((c == '.' && last) || text.substr(i).starts_with("From ")));
    std::size_t width = encode ? 3 : 1;
    if (column + width > max_line - (last ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (encode) {
      out += '=';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
    column += width;
  }
  return out;
}

}  // namespace todoke::mime
