#include "store/search_text.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "store/search.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace todoke::store {
namespace {

// NFKC_Casefold: NFKC, full case folding, and what is never seen (soft hyphens, joiners) left out.
const icu::Normalizer2& normalizer() {
  static const icu::Normalizer2& instance = [] -> const icu::Normalizer2& {
    UErrorCode error = U_ZERO_ERROR;
    const auto* found = icu::Normalizer2::getNFKCCasefoldInstance(error);
    TODOKE_ASSERT(U_SUCCESS(error) && found != nullptr);
    return *found;
  }();
  return instance;
}

constexpr bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// What each byte of plain text folds to.
constexpr auto folded_bytes = [] {
  std::array<char, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    auto c = static_cast<char>(i);
    table[i] = is_blank(c) ? ' ' : ascii::lower(c);
  }
  return table;
}();

// Whether three bytes are one of the characters that Japanese text is made of and that fold to
// themselves: 、。, kana except the marks that join the kana before them, and kanji.
bool is_plain_japanese(const char* bytes) {
  auto byte = [&](int i) { return static_cast<unsigned char>(bytes[i]); };
  if ((byte(0) & 0xF0) != 0xE0 || (byte(1) & 0xC0) != 0x80 || (byte(2) & 0xC0) != 0x80)
    return false;
  const unsigned c = (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3041 && c <= 0x3096) ||
         (c >= 0x30A1 && c <= 0x30FE) || c == 0x3001 || c == 0x3002;
}

// Bytes of the character at `at` if it is plain: ASCII or plain Japanese.  Plain characters fold to
// themselves but for case and blanks, and without regard to what stands before them.
std::size_t plain_character(std::string_view text, std::size_t at) {
  if (!ascii::is_8bit(text[at])) return 1;
  return text.size() - at >= 3 && is_plain_japanese(text.data() + at) ? 3 : 0;
}

// A stretch of plain characters.
struct Plain {
  std::size_t last;  // where the last one begins; `end` if there is none
  std::size_t end;
};

Plain plain_from(std::string_view text, std::size_t begin) {
  constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;
  Plain run{begin, begin};
  for (;;) {
    std::uint64_t eight = 0;
    while (text.size() - run.end >= 8) {
      std::memcpy(&eight, text.data() + run.end, 8);
      if ((eight & high_bits) != 0) break;
      run.end += 8;
      run.last = run.end - 1;
    }
    if (run.end == text.size()) return run;
    const auto length = plain_character(text, run.end);
    if (length == 0) break;
    run.last = run.end;
    run.end += length;
  }
  return run;
}

std::size_t next_plain(std::string_view text, std::size_t at) {
  while (at < text.size() && plain_character(text, at) == 0) ++at;
  return at;
}

// The last place near the end where `text` can be cut and its parts folded apart; else its end.
std::size_t last_boundary(std::string_view text) {
  constexpr std::size_t near = 256;
  const auto lowest = text.size() - std::min(text.size(), near);
  for (auto at = text.size(); at-- > lowest + 1;) {
    if (utf8_sequence(text.substr(at)) == 0) continue;
    UChar32 c = 0;
    std::int32_t offset = 0;
    U8_NEXT(text.data() + at, offset, static_cast<std::int32_t>(text.size() - at), c);
    if (normalizer().hasBoundaryBefore(c)) return at;
  }
  return text.size();
}

}  // namespace

void Folder::feed(std::string_view utf8, std::string& out) {
  if (held_.empty()) {
    held_ = take(utf8, End::open, out);
    return;
  }
  held_ += utf8;
  const auto text = std::move(held_);
  held_ = take(text, End::open, out);
}

void Folder::finish(std::string& out) {
  take(held_, End::reached, out);
  held_.clear();
  after_blank_ = false;
}

// Plain text needs no ICU.  The other characters go there in runs with the plain character before
// them, because they may join it: the mark of "ｶﾞ", an accent.
std::string_view Folder::take(std::string_view utf8, End end, std::string& out) {
  constexpr std::size_t max_held = 1024;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto plain = plain_from(utf8, at);
    const bool all_plain = plain.end == utf8.size();
    const auto sure = all_plain && end == End::reached ? plain.end : plain.last;
    take_plain(utf8.substr(at, sure - at), out);
    if (all_plain) return utf8.substr(sure);
    at = next_plain(utf8, plain.end);
    if (at == utf8.size() && end == End::open) {
      const auto rest = utf8.substr(sure);
      if (rest.size() <= max_held) return rest;
      const auto cut = last_boundary(rest);
      take_other(rest.substr(0, cut), out);
      return rest.substr(cut);
    }
    take_other(utf8.substr(sure, at - sure), out);
  }
  return {};
}

void Folder::take_plain(std::string_view run, std::string& out) {
  const auto before = out.size();
  out.resize(before + run.size());
  char* to = out.data() + before;
  bool after_blank = after_blank_;
  for (char c : run) {
    c = folded_bytes[static_cast<unsigned char>(c)];
    const bool blank = c == ' ';
    *to = c;
    to += blank && after_blank ? 0 : 1;
    after_blank = blank;
  }
  after_blank_ = after_blank;
  out.resize(static_cast<std::size_t>(to - out.data()));
}

void Folder::take_other(std::string_view run, std::string& out) {
  scratch_.clear();
  icu::StringByteSink<std::string> sink(&scratch_);
  UErrorCode error = U_ZERO_ERROR;
  const icu::StringPiece piece(run.data(), static_cast<std::int32_t>(run.size()));
  normalizer().normalizeUTF8(0, piece, sink, nullptr, error);
  take_plain(U_SUCCESS(error) ? scratch_ : run, out);
}

std::string fold(std::string_view text) {
  std::string out;
  Folder folder;
  folder.feed(text, out);
  folder.finish(out);
  return out;
}

TextFinder::TextFinder(std::vector<std::string_view> needles)
    : needles_(std::move(needles)), found_(needles_.size()), missing_(needles_.size()) {
  for (auto needle : needles_) longest_ = std::max(longest_, needle.size());
}

void TextFinder::feed(std::string_view utf8) {
  if (found_all()) return;
  folder_.feed(utf8, folded_);
  look();
  const auto keep = std::min(folded_.size(), longest_ - 1);
  folded_.erase(0, folded_.size() - keep);
}

void TextFinder::end_text() {
  folder_.finish(folded_);
  look();
  folded_.clear();
}

void TextFinder::reset() {
  folder_ = {};
  folded_.clear();
  found_.assign(needles_.size(), false);
  missing_ = needles_.size();
}

// memmem() and not find(): it is linear whatever the needle.
void TextFinder::look() {
  for (std::size_t i = 0; i < needles_.size(); ++i) {
    if (found_[i]) continue;
    const auto needle = needles_[i];
    if (memmem(folded_.data(), folded_.size(), needle.data(), needle.size()) == nullptr) continue;
    found_[i] = true;
    --missing_;
  }
}

}  // namespace todoke::store
