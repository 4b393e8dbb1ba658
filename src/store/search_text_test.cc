#include "store/search_text.h"

#include "base/ascii.h"
#include "store/search.h"

#include <doctest/doctest.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include <random>
#include <string>

using namespace todoke;
using namespace todoke::store;

namespace {

// The definition: all of the text through ICU at once, then blanks joined.
std::string fold_by_definition(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  std::string folded, out;
  icu::StringByteSink<std::string> sink(&folded);
  icu::Normalizer2::getNFKCCasefoldInstance(error)->normalizeUTF8(
      0, icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())), sink, nullptr,
      error);
  REQUIRE(U_SUCCESS(error));
  for (char c : folded) {
    bool blank = c == ' ' || (c >= '\t' && c <= '\r');
    if (!blank || !out.ends_with(' ')) out += blank ? ' ' : c;
  }
  return out;
}

std::string utf8(char32_t c) {
  std::string out;
  icu::UnicodeString(static_cast<UChar32>(c)).toUTF8String(out);
  return out;
}

std::string fold_in_pieces(std::string_view text, std::size_t size) {
  Folder folder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += size) folder.feed(text.substr(at, size), out);
  folder.finish(out);
  return out;
}

TEST_CASE("fold: what a reader takes for the same is the same") {
  CHECK(fold("Hello World") == "hello world");
  CHECK(fold("a \t\r\n  b") == "a b");
  CHECK(fold(" \n a") == " a");
  CHECK(fold("ﾄﾄﾞｹ ＡＢＣ１２") == "トドケ abc12");
  CHECK(fold("カ\u3099") == "ガ");
  CHECK(fold("STRASSE") == fold("straße"));
  CHECK(fold("e\u0301") == fold("É"));
  CHECK(fold("東\u3000京") == "東 京");
  CHECK(fold("soft\u00ADhyphen") == "softhyphen");
  CHECK(fold("㈱") == "(株)");
  CHECK(fold("").empty());
}

TEST_CASE("fold: text that is not UTF-8 passes") {
  CHECK(fold("A\xFF\x80 B") == "a\xFF\x80 b");
  CHECK(fold("\xE3\x81") == "\xE3\x81");
  CHECK(fold("Ä\xE3\x81 Ä") == "ä\xE3\x81 ä");
  CHECK(fold("\xC3") == "\xC3");
}

TEST_CASE("fold: every character is folded as ICU does, alone and before what joins it") {
  for (char32_t c = 1; c < 0x11000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    for (std::string_view after : {"", "\u3099", "\u0301", "ﾞ", "x"}) {
      auto text = "か" + utf8(c) + std::string(after);
      if (fold(text) != fold_by_definition(text)) {
        CAPTURE(static_cast<unsigned>(c));
        CHECK(fold(text) == fold_by_definition(text));
      }
    }
  }
}

TEST_CASE("fold: how the text is cut does not matter") {
  std::mt19937 random(7);
  constexpr std::string_view parts[] = {
      "a", "B", " ",  "\r\n", "東", "か",     "カ",   "\u3099", "\u0301", "ﾞ",  "ｶ",
      "é", "Я", "한", "ᄒ",   "ᅡ",  "\u3000", "\xFF", "ß",      "\xE3",   "😀", "\u00AD"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) text += parts[random() % std::size(parts)];
    auto whole = fold(text);
    CHECK(whole == fold_by_definition(text));
    for (std::size_t size : {1, 2, 3, 5, 17}) CHECK(fold_in_pieces(text, size) == whole);
  }
  // Where nothing is plain for long, little is held, and the cuts are still safe.
  std::string korean;
  for (int i = 0; i < 3000; ++i) korean += "하\u11ABЯ\u0301";
  CHECK(fold_in_pieces(korean, 7) == fold(korean));
  CHECK(fold_in_pieces(korean, 3001) == fold_by_definition(korean));
}

TEST_CASE("finder: needles are found across the borders of pieces, not of texts") {
  TextFinder finder({"hello world", "東京", "never"});
  finder.feed("say HEL");
  finder.feed("LO \r\n");
  finder.feed("World, ");
  CHECK(finder.found(0));
  finder.feed("\xE6\x9D");
  finder.feed("\xB1京");
  finder.feed("");
  CHECK_FALSE(finder.found(1));  // a mark may still join the last character
  finder.feed("nev");
  CHECK(finder.found(1));
  finder.end_text();
  finder.feed("er");
  finder.end_text();
  CHECK_FALSE(finder.found(2));
  CHECK_FALSE(finder.found_all());
  finder.feed("never");
  finder.end_text();
  CHECK(finder.found_all());
  finder.reset();
  CHECK_FALSE(finder.found(0));
}

TEST_CASE("finder: a hostile needle costs linear time") {
  std::string needle(8000, 'a');
  needle += 'b';
  TextFinder finder({needle});
  std::string text(1 << 20, 'a');
  for (int i = 0; i < 8; ++i) finder.feed(text);
  finder.end_text();
  CHECK_FALSE(finder.found(0));
}

}  // namespace
