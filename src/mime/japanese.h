#pragma once

#include "mime/charset.h"

#include <cstddef>
#include <memory>
#include <string_view>

// The three Japanese encodings, decoded over one table of JIS X 0208 with the NEC and IBM rows.
// Used by charset.cc only.
namespace todoke::mime {

std::unique_ptr<CharsetReader> iso_2022_jp_reader();
std::unique_ptr<CharsetReader> shift_jis_reader();
std::unique_ptr<CharsetReader> euc_jp_reader();

// How well bytes read as an encoding.  `score` prefers what Japanese text is made of: kana and
// common kanji count more than rare kanji and half-width katakana.
struct Plausibility {
  std::size_t characters = 0;  // two-byte characters and half-width katakana that exist
  std::size_t errors = 0;
  long score = 0;
  bool convincing() const { return characters > 0 && errors * 10 <= characters; }
  // Whether a declaration of this encoding may stand against the other one.
  bool beats(const Plausibility& other) const { return convincing() && errors <= other.errors; }
};
Plausibility plausibility_as_shift_jis(std::string_view bytes);
Plausibility plausibility_as_euc_jp(std::string_view bytes);

// Whether the bytes hold an escape sequence that only ISO-2022-JP and its kin use.
bool has_japanese_escape(std::string_view bytes);

}  // namespace todoke::mime
