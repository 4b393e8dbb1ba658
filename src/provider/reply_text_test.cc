#include "provider/reply_text.h"

#include <doctest/doctest.h>

using namespace todoke;
using provider::ReplyText;

namespace {
ReplyText ready(std::string_view text, int code = 0,
                std::optional<smtp::EnhancedCode> enhanced = {}) {
  return ReplyText(
      {.stage = smtp::Stage::end_of_data, .code = code, .enhanced = enhanced, .text = text});
}
std::string words(std::string_view text) {
  return std::string(ready(text).words());
}
}  // namespace

TEST_CASE("words are plain") {
  CHECK(words("  User\r\n\t UNKNOWN \x01 here  ") == "user unknown here");
  CHECK(words("<quota.full@Example.JP>: User unknown") == "<@>: user unknown");
  CHECK(words("<\"a..b.\"@docomo.ne.jp>: x") == "<@>: x");
  CHECK(words("b+a=example.jp@bounce.example.jp, and c@d;") == "@, and @;");
  CHECK(words("@ @@ a@@b") == "@ @ @");
  CHECK(words("\"@ x") == "\"@ x");
  CHECK(words("\xE3\x81\x82\xFF") == "\xE3\x81\x82\xFF");
  CHECK(words("") == "");
}

TEST_CASE("codes come out of the text") {
  auto text = ready("smtp; 550-5.1.1 No such user 550 5.1.1 here");
  CHECK(text.code() == 550);
  CHECK(text.enhanced() == smtp::EnhancedCode{5, 1, 1});
  CHECK(text.words() == "no such user here");

  text = ready("SMTP;421 4.7.0 Later");
  CHECK(text.code() == 421);
  CHECK(text.words() == "later");

  text = ready("550 : User unknown");
  CHECK(text.words() == ": user unknown");
  CHECK(text.code_class() == 5);

  text = ready("5.7.1 A\n550 5.7.1 B\n550-5.7.1 C\n550 D", 550);
  CHECK(text.words() == "a b c d");
  CHECK(text.enhanced() == smtp::EnhancedCode{5, 7, 1});
}

TEST_CASE("codes that stand apart are believed") {
  auto text = ready("552 5.2.2 Full", 550, smtp::EnhancedCode{5, 0, 0});
  CHECK(text.code() == 550);
  CHECK(text.enhanced() == smtp::EnhancedCode{5, 0, 0});
  CHECK(text.words() == "552 5.2.2 full");
  CHECK(ready("4.2.2 Full", 550).enhanced() == std::nullopt);
}

TEST_CASE("marked codes are found, reasons of providers are not") {
  CHECK(ready("no mailbox here (#5.1.1)").enhanced() == smtp::EnhancedCode{5, 1, 1});
  CHECK(ready("can't accept user #5.7.1", 550).enhanced() == smtp::EnhancedCode{5, 7, 1});
  CHECK(ready("deferred - [#4.16.1]", 451).enhanced() == std::nullopt);
  CHECK(ready("x #4.1.1", 550).enhanced() == std::nullopt);
  CHECK(ready("### # #x").enhanced() == std::nullopt);
}

TEST_CASE("only the beginning of an endless text is read") {
  std::string text(1 << 20, 'a');
  CHECK(words(text).size() == ReplyText::max_bytes);
}
