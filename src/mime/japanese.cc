#include "mime/japanese.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <unicode/ucnv.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace todoke::mime {
namespace {

constexpr int cells = 94;
constexpr int shift_jis_rows = 120;  // 94 of JIS X 0208, 20 user-defined, 6 of IBM characters

// Characters by row and cell, from 1; zero where there is none.
using Table = std::vector<char16_t>;

char16_t look_up(const Table& table, int row, int cell) {
  auto index = static_cast<std::size_t>((row - 1) * cells + cell - 1);
  return index < table.size() ? table[index] : u'\0';
}

// Asks ICU for every character of a two-byte set; `bytes_of` gives the encoded form of (row, cell).
template <class BytesOf>
Table build_table(const char* converter, int rows, BytesOf bytes_of) {
  UErrorCode error = U_ZERO_ERROR;
  UConverter* icu = ucnv_open(converter, &error);
  TODOKE_ASSERT(U_SUCCESS(error));
  Table table(static_cast<std::size_t>(rows * cells));
  for (int row = 1; row <= rows; ++row) {
    for (int cell = 1; cell <= cells; ++cell) {
      std::string bytes = bytes_of(row, cell);
      std::array<char16_t, 4> text{};
      error = U_ZERO_ERROR;
      auto length = ucnv_toUChars(icu, text.data(), static_cast<int32_t>(text.size()), bytes.data(),
                                  static_cast<int32_t>(bytes.size()), &error);
      if (U_FAILURE(error) || length != 1 || text[0] == 0xFFFD || text[0] < 0x80) continue;
      table[static_cast<std::size_t>((row - 1) * cells + cell - 1)] = text[0];
    }
  }
  ucnv_close(icu);
  return table;
}

std::string two_high_bytes(int row, int cell) {
  return {static_cast<char>(row + 0xA0), static_cast<char>(cell + 0xA0)};
}

std::string shift_jis_bytes(int row, int cell) {
  int pair = (row - 1) / 2;
  int lead = pair < 31 ? 0x81 + pair : 0xE0 + pair - 31;
  int trail = row % 2 == 0 ? 0x9E + cell : cell < 64 ? 0x3F + cell : 0x40 + cell;
  return {static_cast<char>(lead), static_cast<char>(trail)};
}

const Table& jis_x_0208() {
  static const Table table = build_table("windows-31j", shift_jis_rows, shift_jis_bytes);
  return table;
}
const Table& jis_x_0212() {
  static const Table table = build_table(
      "euc-jp-2007", 94, [](int row, int cell) { return "\x8F" + two_high_bytes(row, cell); });
  return table;
}
const Table& gb_2312() {
  static const Table table = build_table("gb18030", 94, two_high_bytes);
  return table;
}
const Table& ks_x_1001() {
  static const Table table = build_table("windows-949-2000", 94, two_high_bytes);
  return table;
}

int byte_value(char c) {
  return static_cast<unsigned char>(c);
}
bool is_high_94(int b) {
  return b >= 0xA1 && b <= 0xFE;
}
bool is_half_kana(int b) {
  return b >= 0xA1 && b <= 0xDF;
}
bool is_shift_jis_lead(int b) {
  return (b >= 0x81 && b <= 0x9F) || (b >= 0xE0 && b <= 0xFC);
}
bool is_shift_jis_trail(int b) {
  return b >= 0x40 && b <= 0xFC && b != 0x7F;
}

void append_half_kana(std::string& out, int high_byte) {
  append_utf8(out, static_cast<char32_t>(0xFF61 + high_byte - 0xA1));
}
void append_or_replace(std::string& out, char16_t c) {
  if (c == 0) {
    out += replacement_character;
  } else {
    append_utf8(out, c);
  }
}

struct RowCell {
  int row;
  int cell;
};
RowCell from_shift_jis(int lead, int trail) {
  int pair = lead < 0xE0 ? lead - 0x81 : lead - 0xE0 + 31;
  if (trail >= 0x9F) return {pair * 2 + 2, trail - 0x9E};
  return {pair * 2 + 1, trail < 0x7F ? trail - 0x3F : trail - 0x40};
}

class ShiftJisReader final : public CharsetReader {
 public:
  void feed(std::string_view bytes, std::string& out) override {
    for (char c : bytes) put(c, out);
  }
  void finish(std::string& out) override {
    if (lead_ != 0) out += replacement_character;
    lead_ = 0;
  }

 private:
  void put(char c, std::string& out) {
    int b = byte_value(c);
    if (lead_ != 0) {
      int lead = std::exchange(lead_, 0);
      char16_t found = 0;
      if (is_shift_jis_trail(b)) {
        auto [row, cell] = from_shift_jis(lead, b);
        found = look_up(jis_x_0208(), row, cell);
      }
      append_or_replace(out, found);
      // An ASCII byte is never eaten by a bad lead byte: it may be the quote that ends an
      // attribute.
      if (found != 0 || b >= 0x80) return;
    }
    if (b < 0x80) {
      out += c;
    } else if (is_half_kana(b)) {
      append_half_kana(out, b);
    } else if (is_shift_jis_lead(b)) {
      lead_ = b;
    } else {
      out += replacement_character;
    }
  }

  int lead_ = 0;
};

class EucJpReader final : public CharsetReader {
 public:
  void feed(std::string_view bytes, std::string& out) override {
    for (char c : bytes) put(c, out);
  }
  void finish(std::string& out) override {
    if (first_ != 0) out += replacement_character;
    first_ = second_ = 0;
  }

 private:
  void put(char c, std::string& out) {
    int b = byte_value(c);
    if (first_ != 0 && !is_high_94(b)) {
      out += replacement_character;
      first_ = second_ = 0;
    } else if (first_ == 0x8F && second_ == 0) {
      second_ = b;
      return;
    } else if (first_ == 0x8F) {
      append_or_replace(out, look_up(jis_x_0212(), second_ - 0xA0, b - 0xA0));
      first_ = second_ = 0;
      return;
    } else if (first_ == 0x8E) {
      first_ = 0;
      if (is_half_kana(b)) {
        append_half_kana(out, b);
      } else {
        out += replacement_character;
      }
      return;
    } else if (first_ != 0) {
      append_or_replace(out, look_up(jis_x_0208(), first_ - 0xA0, b - 0xA0));
      first_ = 0;
      return;
    }
    if (b < 0x80) {
      out += c;
    } else if (is_high_94(b) || b == 0x8E || b == 0x8F) {
      first_ = b;
    } else {
      out += replacement_character;
    }
  }

  int first_ = 0;
  int second_ = 0;
};

enum class Mode { ascii, half_kana, jis_x_0208, jis_x_0212, gb_2312, ks_x_1001 };

struct Designation {
  std::string_view sequence;
  Mode mode;
};
// RFC 1468, RFC 1554 and RFC 2237, and what Windows adds.  JIS X 0201 Roman is read as ASCII, as
// everybody does: its yen sign stands where programs wrote a backslash.  JIS X 0213 plane 1 agrees
// with JIS X 0208 wherever the latter has a character.
constexpr std::array<Designation, 15> designations{{
    {"\x1B(B", Mode::ascii},
    {"\x1B(J", Mode::ascii},
    {"\x1B(H", Mode::ascii},
    {"\x1B(I", Mode::half_kana},
    {"\x1B$@", Mode::jis_x_0208},
    {"\x1B$B", Mode::jis_x_0208},
    {"\x1B$(@", Mode::jis_x_0208},
    {"\x1B$(B", Mode::jis_x_0208},
    {"\x1B$(O", Mode::jis_x_0208},
    {"\x1B$(Q", Mode::jis_x_0208},
    {"\x1B$(D", Mode::jis_x_0212},
    {"\x1B$A", Mode::gb_2312},
    {"\x1B$(A", Mode::gb_2312},
    {"\x1B$(C", Mode::ks_x_1001},
    {"\x1B&@", Mode::jis_x_0208},  // announces the 1990 edition
}};

class Iso2022JpReader final : public CharsetReader {
 public:
  void feed(std::string_view bytes, std::string& out) override {
    for (char c : bytes) put(c, out);
  }
  void finish(std::string& out) override {
    if (!escape_.empty() || lead_ != 0) out += replacement_character;
    escape_.clear();
    lead_ = 0;
  }

 private:
  void put(char c, std::string& out) {
    if (escape_.empty() && c != '\x1B') return put_text(c, out);
    escape_ += c;
    bool prefix = false;
    for (const auto& [sequence, mode] : designations) {
      if (sequence == escape_) {
        if (lead_ != 0) out += replacement_character;
        lead_ = 0;
        if (escape_[1] != '&') mode_ = mode;
        escape_.clear();
        return;
      }
      prefix = prefix || sequence.starts_with(escape_);
    }
    if (prefix) return;
    auto rest = std::exchange(escape_, {}).substr(1);
    out += replacement_character;
    for (char again : rest) put(again, out);
  }

  void put_text(char c, std::string& out) {
    int b = byte_value(c);
    if (lead_ != 0) {
      int lead = std::exchange(lead_, 0);
      int trail = b & 0x7F;
      if (trail >= 0x21 && trail <= 0x7E) {
        return append_or_replace(out, look_up(table(), lead - 0x20, trail - 0x20));
      }
      out += replacement_character;
    }
    if (c == '\n') mode_ = Mode::ascii;  // RFC 1468: a line begins in ASCII
    if (c == '\x0E') {
      mode_ = Mode::half_kana;
    } else if (c == '\x0F') {
      mode_ = Mode::ascii;
    } else if (b <= 0x20 || b == 0x7F) {
      out += c;
    } else if (mode_ == Mode::ascii || mode_ == Mode::half_kana) {
      put_single(c, out);
    } else if ((b & 0x7F) >= 0x21 && (b & 0x7F) <= 0x7E) {
      lead_ = b & 0x7F;
    } else {
      out += replacement_character;
    }
  }
  void put_single(char c, std::string& out) {
    int b = byte_value(c);
    if (is_half_kana(b)) return append_half_kana(out, b);
    if (b >= 0x80) {
      out += replacement_character;
    } else if (mode_ == Mode::half_kana && b <= 0x5F) {
      append_half_kana(out, b + 0x80);
    } else {
      out += c;
    }
  }
  const Table& table() const {
    switch (mode_) {
      case Mode::jis_x_0212:
        return jis_x_0212();
      case Mode::gb_2312:
        return gb_2312();
      case Mode::ks_x_1001:
        return ks_x_1001();
      default:
        return jis_x_0208();
    }
  }

  Mode mode_ = Mode::ascii;
  int lead_ = 0;
  std::string escape_;
};

// How typical a row of JIS X 0208 is of Japanese text.
long score_of(int row) {
  if (row == 4 || row == 5) return 6;                  // kana
  if (row <= 3 || (row >= 16 && row <= 47)) return 4;  // punctuation, kanji of the first level
  return 0;
}
constexpr long half_kana_score = 1;
constexpr long error_score = -20;

}  // namespace

std::unique_ptr<CharsetReader> iso_2022_jp_reader() {
  return std::make_unique<Iso2022JpReader>();
}
std::unique_ptr<CharsetReader> shift_jis_reader() {
  return std::make_unique<ShiftJisReader>();
}
std::unique_ptr<CharsetReader> euc_jp_reader() {
  return std::make_unique<EucJpReader>();
}

Plausibility plausibility_as_shift_jis(std::string_view bytes) {
  Plausibility result;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    int b = byte_value(bytes[i]);
    if (b < 0x80) continue;
    if (is_half_kana(b)) {
      ++result.characters;
      result.score += half_kana_score;
      continue;
    }
    if (is_shift_jis_lead(b)) {
      if (i + 1 == bytes.size()) break;
      int trail = byte_value(bytes[i + 1]);
      auto [row, cell] = from_shift_jis(b, trail);
      if (is_shift_jis_trail(trail) && look_up(jis_x_0208(), row, cell) != 0) {
        ++result.characters;
        result.score += score_of(row);
        ++i;
        continue;
      }
    }
    ++result.errors;
    result.score += error_score;
  }
  return result;
}

Plausibility plausibility_as_euc_jp(std::string_view bytes) {
  Plausibility result;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    int b = byte_value(bytes[i]);
    if (b < 0x80) continue;
    std::size_t length = b == 0x8F ? 3 : 2;
    if (i + length > bytes.size()) break;
    int second = byte_value(bytes[i + 1]);
    int third = byte_value(bytes[i + length - 1]);
    bool good = false;
    if (b == 0x8E) {
      good = is_half_kana(second);
      result.score += good ? half_kana_score : 0;
    } else if (b == 0x8F) {
      good = is_high_94(second) && is_high_94(third) &&
             look_up(jis_x_0212(), second - 0xA0, third - 0xA0) != 0;
    } else if (is_high_94(b) && is_high_94(second)) {
      good = look_up(jis_x_0208(), b - 0xA0, second - 0xA0) != 0;
      result.score += good ? score_of(b - 0xA0) : 0;
    }
    if (good) {
      ++result.characters;
      i += length - 1;
    } else {
      ++result.errors;
      result.score += error_score;
    }
  }
  return result;
}

bool has_japanese_escape(std::string_view bytes) {
  for (auto at = bytes.find('\x1B'); at != std::string_view::npos;
       at = bytes.find('\x1B', at + 1)) {
    auto rest = bytes.substr(at);
    for (const auto& designation : designations) {
      if (rest.starts_with(designation.sequence) && rest[1] != '&') return true;
    }
  }
  return false;
}

}  // namespace todoke::mime
