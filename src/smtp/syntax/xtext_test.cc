#include "smtp/syntax/xtext.h"

#include <doctest/doctest.h>

using namespace todoke::smtp;

TEST_CASE("RFC 3461 §4: xtext") {
  CHECK(xtext_decode("e+3Dmc2@example.com") == "e=mc2@example.com");
  CHECK(xtext_decode("") == "");
  CHECK(xtext_decode("+2B+3D+20+00") == std::string("+= \0", 4));
  CHECK(xtext_encode("e=mc2+x y@z\r\n\xff") == "e+3Dmc2+2Bx+20y@z+0D+0A+FF");
  for (auto bad : {"+", "+2", "+2G", "a=b", "a b", "a\x7f", "\xE5", "+-1"})
    CHECK_FALSE(xtext_decode(bad));
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(xtext_decode(xtext_encode(all)) == all);
}

TEST_CASE("RFC 6533 §3: addresses of type utf-8") {
  CHECK(utf8_address_decode("\\x{5C4A}\\x{3051}@example.jp") == "届け@example.jp");
  CHECK(utf8_address_decode("届け@example.jp") == "届け@example.jp");
  CHECK(utf8_address_decode("a\\x{2B}\\x{3D}b\\x{5C}") == "a+=b\\");
  CHECK(utf8_address_encode("届け@example.jp") == "\\x{5C4A}\\x{3051}@example.jp");
  CHECK(utf8_address_encode("a+=\\ é𠮷") == "a\\x{2B}\\x{3D}\\x{5C}\\x{20}\\x{E9}\\x{20BB7}");
  CHECK(utf8_address_encode("\xFF") == "\\x{FFFD}");
  for (auto bad : {"\\", "\\x", "\\x{", "\\x{41", "\\x{}", "\\x{1}", "\\x{g0}", "\\x{110000}",
                   "\\x{D800}", "\\x{0000041}", "a+b", "a b", "\xFF"})
    CHECK_FALSE(utf8_address_decode(bad));
  for (auto text : {"\x7f", "é", "߿", "ࠀ", "￿", "𐀀", "\U0010FFFF"})
    CHECK(utf8_address_decode(utf8_address_encode(text)) == text);
}
