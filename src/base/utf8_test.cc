#include "base/utf8.h"

#include <doctest/doctest.h>

using namespace todoke;

TEST_CASE("RFC 3629 §7 and §10: what is UTF-8 and what only looks like it") {
  for (auto good : {"", "a", "\x7f", "\xC2\x80", "日本語", "\xED\x9F\xBF", "\xEE\x80\x80",
                    "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "𠮷野家"})
    CHECK(is_utf8(good));
  for (auto bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xE3\x81", "\xE0\x9F\xBF",
                   "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
                   "\xC3\x28", "a\xFF", "\x93\xFA\x96\x7B"})
    CHECK_FALSE(is_utf8(bad));
  CHECK(is_ascii("abc\x7f"));
  CHECK_FALSE(is_ascii("ab\x80"));
}

TEST_CASE("a prefix never cuts a sequence") {
  CHECK(utf8_prefix("日本", 6) == "日本");
  CHECK(utf8_prefix("日本", 5) == "日");
  CHECK(utf8_prefix("日本", 4) == "日");
  CHECK(utf8_prefix("日本", 3) == "日");
  CHECK(utf8_prefix("日本", 2).empty());
  CHECK(utf8_prefix("abc", 2) == "ab");
  CHECK(utf8_prefix("\x80\x80\x80\x80\x80", 4).size() == 4);
}

TEST_CASE("what is malformed becomes U+FFFD, one for each maximal part of a broken character") {
  CHECK(valid_utf8("a\xF0\x9F\x92z\xC0\xAF\xED\xA0\x80") ==
        "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(valid_utf8("届\xE5\xB1") == "届\xEF\xBF\xBD");
  std::string text;
  for (char32_t c : {U'a', U'é', U'届', U'𠮷', char32_t{0xD800}, char32_t{0x110000}})
    append_utf8(text, c);
  CHECK(text == "aé届𠮷\xEF\xBF\xBD\xEF\xBF\xBD");
  const auto count = count_utf8("aé届𠮷\xFF\xE5\xB1");
  CHECK(count.multibyte == 3);
  CHECK(count.long_forms == 2);
  CHECK(count.errors == 1);
  CHECK(count.cut_off);
}
