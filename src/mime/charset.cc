#include "mime/charset.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "mime/japanese.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>

#include <algorithm>
#include <array>
#include <utility>

namespace todoke::mime {
namespace {

enum class Family { utf8, ascii, iso_2022_jp, shift_jis, euc_jp, single_byte, multi_byte, wide };

struct Label {
  std::string_view name;
  Family family;
  const char* icu;  // ICU's converter, for the last three families
};

// Names as mail declares them, in lower case.  What is not here is unknown, whatever ICU thinks:
// EBCDIC, UTF-7, SCSU and their like exist in mail only to hide something.  ISO 8859-1 and ISO
// 8859-9 are read as their Windows supersets, as every mail program does.
constexpr auto labels = std::to_array<Label>({
    {"utf-8", Family::utf8, nullptr},
    {"utf8", Family::utf8, nullptr},
    {"unicode-1-1-utf-8", Family::utf8, nullptr},
    {"us-ascii", Family::ascii, nullptr},
    {"ascii", Family::ascii, nullptr},
    {"ansi_x3.4-1968", Family::ascii, nullptr},
    {"iso646-us", Family::ascii, nullptr},
    {"iso-2022-jp", Family::iso_2022_jp, nullptr},
    {"iso-2022-jp-1", Family::iso_2022_jp, nullptr},
    {"iso-2022-jp-2", Family::iso_2022_jp, nullptr},
    {"iso-2022-jp-3", Family::iso_2022_jp, nullptr},
    {"iso-2022-jp-2004", Family::iso_2022_jp, nullptr},
    {"iso-2022-jp-ms", Family::iso_2022_jp, nullptr},
    {"csiso2022jp", Family::iso_2022_jp, nullptr},
    {"csiso2022jp2", Family::iso_2022_jp, nullptr},
    {"iso2022jp", Family::iso_2022_jp, nullptr},
    {"iso2022-jp", Family::iso_2022_jp, nullptr},
    {"cp50220", Family::iso_2022_jp, nullptr},
    {"cp50221", Family::iso_2022_jp, nullptr},
    {"cp50222", Family::iso_2022_jp, nullptr},
    {"jis", Family::iso_2022_jp, nullptr},
    {"shift_jis", Family::shift_jis, nullptr},
    {"shift-jis", Family::shift_jis, nullptr},
    {"shiftjis", Family::shift_jis, nullptr},
    {"x-sjis", Family::shift_jis, nullptr},
    {"sjis", Family::shift_jis, nullptr},
    {"sjis-win", Family::shift_jis, nullptr},
    {"ms_kanji", Family::shift_jis, nullptr},
    {"ms932", Family::shift_jis, nullptr},
    {"cp932", Family::shift_jis, nullptr},
    {"csshiftjis", Family::shift_jis, nullptr},
    {"windows-31j", Family::shift_jis, nullptr},
    {"cswindows31j", Family::shift_jis, nullptr},
    {"shift_jis-2004", Family::shift_jis, nullptr},
    {"shift_jisx0213", Family::shift_jis, nullptr},
    {"euc-jp", Family::euc_jp, nullptr},
    {"euc_jp", Family::euc_jp, nullptr},
    {"eucjp", Family::euc_jp, nullptr},
    {"x-euc-jp", Family::euc_jp, nullptr},
    {"ujis", Family::euc_jp, nullptr},
    {"eucjp-ms", Family::euc_jp, nullptr},
    {"eucjp-win", Family::euc_jp, nullptr},
    {"cp51932", Family::euc_jp, nullptr},
    {"cseucpkdfmtjapanese", Family::euc_jp, nullptr},
    {"euc-jis-2004", Family::euc_jp, nullptr},
    {"iso-8859-1", Family::single_byte, "windows-1252"},
    {"iso8859-1", Family::single_byte, "windows-1252"},
    {"iso_8859-1", Family::single_byte, "windows-1252"},
    {"latin1", Family::single_byte, "windows-1252"},
    {"l1", Family::single_byte, "windows-1252"},
    {"cp819", Family::single_byte, "windows-1252"},
    {"iso-8859-2", Family::single_byte, "iso-8859-2"},
    {"iso8859-2", Family::single_byte, "iso-8859-2"},
    {"latin2", Family::single_byte, "iso-8859-2"},
    {"iso-8859-3", Family::single_byte, "iso-8859-3"},
    {"iso-8859-4", Family::single_byte, "iso-8859-4"},
    {"iso-8859-5", Family::single_byte, "iso-8859-5"},
    {"iso-8859-6", Family::single_byte, "iso-8859-6"},
    {"iso-8859-7", Family::single_byte, "iso-8859-7"},
    {"iso-8859-8", Family::single_byte, "iso-8859-8"},
    {"iso-8859-8-i", Family::single_byte, "iso-8859-8"},
    {"iso-8859-9", Family::single_byte, "windows-1254"},
    {"latin5", Family::single_byte, "windows-1254"},
    {"iso-8859-10", Family::single_byte, "iso-8859-10"},
    {"iso-8859-11", Family::single_byte, "windows-874-2000"},
    {"tis-620", Family::single_byte, "windows-874-2000"},
    {"windows-874", Family::single_byte, "windows-874-2000"},
    {"iso-8859-13", Family::single_byte, "iso-8859-13"},
    {"iso-8859-14", Family::single_byte, "iso-8859-14"},
    {"iso-8859-15", Family::single_byte, "iso-8859-15"},
    {"iso8859-15", Family::single_byte, "iso-8859-15"},
    {"latin-9", Family::single_byte, "iso-8859-15"},
    {"windows-1250", Family::single_byte, "windows-1250"},
    {"cp1250", Family::single_byte, "windows-1250"},
    {"windows-1251", Family::single_byte, "windows-1251"},
    {"cp1251", Family::single_byte, "windows-1251"},
    {"windows-1252", Family::single_byte, "windows-1252"},
    {"cp1252", Family::single_byte, "windows-1252"},
    {"windows-1253", Family::single_byte, "windows-1253"},
    {"windows-1254", Family::single_byte, "windows-1254"},
    {"windows-1255", Family::single_byte, "windows-1255"},
    {"windows-1256", Family::single_byte, "windows-1256"},
    {"windows-1257", Family::single_byte, "windows-1257"},
    {"windows-1258", Family::single_byte, "windows-1258"},
    {"koi8-r", Family::single_byte, "KOI8-R"},
    {"koi8-u", Family::single_byte, "KOI8-U"},
    {"ibm866", Family::single_byte, "ibm-866"},
    {"cp866", Family::single_byte, "ibm-866"},
    {"ibm437", Family::single_byte, "ibm-437"},
    {"ibm850", Family::single_byte, "ibm-850"},
    {"cp850", Family::single_byte, "ibm-850"},
    {"macintosh", Family::single_byte, "macintosh"},
    {"gb18030", Family::multi_byte, "gb18030"},
    {"gbk", Family::multi_byte, "gb18030"},
    {"gb2312", Family::multi_byte, "gb18030"},
    {"gb_2312-80", Family::multi_byte, "gb18030"},
    {"cp936", Family::multi_byte, "gb18030"},
    {"x-gbk", Family::multi_byte, "gb18030"},
    {"euc-cn", Family::multi_byte, "gb18030"},
    {"big5", Family::multi_byte, "windows-950"},
    {"cp950", Family::multi_byte, "windows-950"},
    {"x-big5", Family::multi_byte, "windows-950"},
    {"big5-hkscs", Family::multi_byte, "Big5-HKSCS"},
    {"euc-kr", Family::multi_byte, "windows-949-2000"},
    {"ks_c_5601-1987", Family::multi_byte, "windows-949-2000"},
    {"ks_c_5601", Family::multi_byte, "windows-949-2000"},
    {"ksc5601", Family::multi_byte, "windows-949-2000"},
    {"windows-949", Family::multi_byte, "windows-949-2000"},
    {"uhc", Family::multi_byte, "windows-949-2000"},
    {"cp949", Family::multi_byte, "windows-949-2000"},
    {"iso-2022-kr", Family::wide, "ISO-2022-KR"},
    {"utf-16", Family::wide, "UTF-16"},
    {"utf-16le", Family::wide, "UTF-16LE"},
    {"utf-16be", Family::wide, "UTF-16BE"},
    {"utf-32", Family::wide, "UTF-32"},
});

const Label* find_label(std::string_view charset) {
  constexpr std::string_view edges = " \t\"'";
  while (!charset.empty() && edges.contains(charset.front())) charset.remove_prefix(1);
  while (!charset.empty() && edges.contains(charset.back())) charset.remove_suffix(1);
  auto same = [&](const Label& l) { return ascii::equal_ignoring_case(l.name, charset); };
  auto found = std::ranges::find_if(labels, same);
  return found == labels.end() ? nullptr : &*found;
}

class Utf8CharsetReader final : public CharsetReader {
 public:
  void feed(std::string_view bytes, std::string& out) override {
    for (std::size_t i = 0; i < bytes.size();) {
      // What is well-formed is copied in one piece, and that is nearly everything.
      if (pending_.empty()) {
        const auto begin = i;
        while (const auto length = utf8_sequence(bytes.substr(i))) i += length;
        out += bytes.substr(begin, i - begin);
        if (i == bytes.size()) break;
      }
      switch (reader_.step(bytes[i])) {
        case Utf8Reader::Step::more:
          pending_ += bytes[i++];
          break;
        case Utf8Reader::Step::character:
          out += pending_;
          out += bytes[i++];
          pending_.clear();
          break;
        case Utf8Reader::Step::bad:
          ++i;
          [[fallthrough]];
        case Utf8Reader::Step::bad_before:
          out += replacement_character;
          pending_.clear();
          break;
      }
    }
  }
  void finish(std::string& out) override {
    if (!pending_.empty()) out += replacement_character;
    pending_.clear();
    reader_ = {};
  }

 private:
  Utf8Reader reader_;
  std::string pending_;
};

void replace_bad_bytes(const void*, UConverterToUnicodeArgs* arguments, const char*, int32_t,
                       UConverterCallbackReason reason, UErrorCode* error) {
  if (reason > UCNV_IRREGULAR) return;  // reset, close, clone
  constexpr char16_t replacement = 0xFFFD;
  *error = U_ZERO_ERROR;
  ucnv_cbToUWriteUChars(arguments, &replacement, 1, 0, error);
}

class IcuReader final : public CharsetReader {
 public:
  explicit IcuReader(const char* converter) {
    UErrorCode error = U_ZERO_ERROR;
    icu_.reset(ucnv_open(converter, &error));
    TODOKE_ASSERT(U_SUCCESS(error));
    ucnv_setToUCallBack(icu_.get(), replace_bad_bytes, nullptr, nullptr, nullptr, &error);
  }
  void feed(std::string_view bytes, std::string& out) override { convert(bytes, out, false); }
  void finish(std::string& out) override {
    convert({}, out, true);
    if (high_ != 0) out += replacement_character;
    high_ = 0;
  }

 private:
  struct Close {
    void operator()(UConverter* c) const { ucnv_close(c); }
  };

  void convert(std::string_view bytes, std::string& out, bool flush) {
    const char* from = bytes.data();
    const char* end = from + bytes.size();
    std::array<char16_t, 1024> buffer;
    for (bool more = true; more;) {
      UErrorCode error = U_ZERO_ERROR;
      char16_t* to = buffer.data();
      ucnv_toUnicode(icu_.get(), &to, buffer.data() + buffer.size(), &from, end, nullptr, flush,
                     &error);
      for (char16_t* c = buffer.data(); c != to; ++c) append(*c, out);
      more = error == U_BUFFER_OVERFLOW_ERROR;
      if (U_FAILURE(error) && !more) out += replacement_character;
    }
  }
  // Joins surrogates, which may stand at the border of two buffers.
  void append(char16_t c, std::string& out) {
    bool is_low = c >= 0xDC00 && c <= 0xDFFF;
    if (high_ != 0) {
      char32_t high = std::exchange(high_, u'\0');
      if (is_low) return append_utf8(out, 0x10000 + ((high - 0xD800) << 10) + (c - 0xDC00));
      out += replacement_character;
    }
    if (c >= 0xD800 && c <= 0xDBFF) {
      high_ = c;
    } else {
      append_utf8(out, c);
    }
  }

  std::unique_ptr<UConverter, Close> icu_;
  char16_t high_ = 0;
};

std::unique_ptr<CharsetReader> open_reader(const Label& label) {
  switch (label.family) {
    case Family::iso_2022_jp:
      return iso_2022_jp_reader();
    case Family::shift_jis:
      return shift_jis_reader();
    case Family::euc_jp:
      return euc_jp_reader();
    case Family::utf8:
    case Family::ascii:
      return std::make_unique<Utf8CharsetReader>();
    default:
      return std::make_unique<IcuReader>(label.icu);
  }
}

constexpr std::size_t decision_window = 65'536;

bool is_special(char c) {
  return ascii::is_8bit(c) || c == '\x1B' || c == '\x0E';
}

// Which charset the bytes are really in, given what was declared.
const Label& choose(const Label* declared, std::string_view bytes) {
  auto named = [](std::string_view name) -> const Label& { return *find_label(name); };
  bool has_8bit = std::ranges::any_of(bytes, ascii::is_8bit);
  Family family = declared == nullptr ? Family::ascii : declared->family;
  if (family == Family::iso_2022_jp && (!has_8bit || has_japanese_escape(bytes))) return *declared;
  if (!has_8bit) return named(has_japanese_escape(bytes) ? "iso-2022-jp" : "utf-8");

  auto utf8 = count_utf8(bytes);
  switch (family) {
    case Family::utf8:
      // A few bad bytes do not make it another charset.
      if (utf8.errors * 10 <= utf8.multibyte) return *declared;
      break;
    case Family::single_byte:
      return utf8.errors == 0 && utf8.multibyte > 0 ? named("utf-8") : *declared;
    case Family::multi_byte:
      return utf8.errors == 0 && utf8.long_forms > 0 ? named("utf-8") : *declared;
    case Family::shift_jis:
      if (utf8.errors == 0 && utf8.long_forms > 0) return named("utf-8");
      if (plausibility_as_shift_jis(bytes).beats(plausibility_as_euc_jp(bytes))) return *declared;
      break;
    case Family::euc_jp:
      if (utf8.errors == 0 && utf8.long_forms > 0) return named("utf-8");
      if (plausibility_as_euc_jp(bytes).beats(plausibility_as_shift_jis(bytes))) return *declared;
      break;
    default:
      break;
  }
  const Label& detected = named(detect_charset(bytes));
  // Nothing Japanese: then the declaration is still the best guess.
  bool is_guess = detected.family == Family::single_byte;
  return is_guess && declared != nullptr && family != Family::ascii ? *declared : detected;
}

}  // namespace

TextDecoder::TextDecoder(std::string_view charset) : declared_(charset.substr(0, 64)) {
  const Label* label = find_label(declared_);
  if (label != nullptr && label->family == Family::wide) reader_ = open_reader(*label);
}
TextDecoder::~TextDecoder() = default;
TextDecoder::TextDecoder(TextDecoder&&) noexcept = default;
TextDecoder& TextDecoder::operator=(TextDecoder&&) noexcept = default;

void TextDecoder::feed(std::string_view bytes, std::string& out) {
  if (reader_ == nullptr && window_.empty()) {
    auto special =
        static_cast<std::size_t>(std::ranges::find_if(bytes, is_special) - bytes.begin());
    out += bytes.substr(0, special);
    bytes.remove_prefix(special);
  }
  if (reader_ == nullptr) {
    auto taken = bytes.substr(0, decision_window - window_.size());
    window_ += taken;
    bytes.remove_prefix(taken.size());
    if (window_.size() < decision_window) return;
    decide(out);
  }
  reader_->feed(bytes, out);
}

void TextDecoder::finish(std::string& out) {
  if (reader_ == nullptr) {
    if (window_.empty()) return;
    decide(out);
  }
  reader_->finish(out);
}

void TextDecoder::decide(std::string& out) {
  reader_ = open_reader(choose(find_label(declared_), window_));
  reader_->feed(window_, out);
  window_ = {};
}

std::string to_utf8(std::string_view bytes, std::string_view charset, std::size_t max_output) {
  constexpr std::size_t step = 16'384;
  std::string out;
  TextDecoder decoder(charset);
  while (!bytes.empty() && out.size() < max_output) {
    decoder.feed(bytes.substr(0, step), out);
    bytes.remove_prefix(std::min(step, bytes.size()));
  }
  if (bytes.empty()) decoder.finish(out);
  out.resize(utf8_prefix(out, max_output).size());
  return out;
}

std::string header_to_utf8(std::string_view raw) {
  if (std::ranges::none_of(raw, is_special)) return std::string(raw);
  return to_utf8(raw);
}

std::string_view detect_charset(std::string_view bytes) {
  bool has_8bit = std::ranges::any_of(bytes, ascii::is_8bit);
  if (!has_8bit) return has_japanese_escape(bytes) ? "iso-2022-jp" : "us-ascii";
  auto utf8 = count_utf8(bytes);
  if (utf8.errors == 0 && utf8.multibyte > 0) return "utf-8";
  auto sjis = plausibility_as_shift_jis(bytes);
  auto euc = plausibility_as_euc_jp(bytes);
  if (euc.convincing() && euc.score >= sjis.score) return "euc-jp";
  if (sjis.convincing()) return "shift_jis";
  if (utf8.errors * 10 <= utf8.multibyte) return "utf-8";
  return "windows-1252";
}

bool is_known_charset(std::string_view charset) {
  return find_label(charset) != nullptr;
}

}  // namespace todoke::mime
