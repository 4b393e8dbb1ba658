#include "delivery/preview.h"

#include "base/encoding.h"
#include "base/utf8.h"

#include <doctest/doctest.h>

using namespace todoke;

namespace {

std::string preview_of(const std::string& message, std::size_t beginning = 16 << 10) {
  return delivery::preview(mime::parse_structure(message),
                           std::string_view(message).substr(0, beginning));
}

}  // namespace

TEST_CASE("RFC 8970 §3.2: the first words, white space folded") {
  CHECK(preview_of("Subject: x\r\n\r\n  Hello\r\n\r\n\tworld \r\n") == "Hello world");
  CHECK(preview_of("Subject: x\r\n\r\n").empty());
  CHECK(preview_of("").empty());
}

TEST_CASE("at most 200 characters, never a part of one") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "あ";
  auto words = preview_of("Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n");
  CHECK(words.size() == 200 * 3);
  CHECK(words == text.substr(0, words.size()));
}

TEST_CASE("Japanese text in the charsets that are in use") {
  std::string jis = "\x1b$B$3$s$K$A$O\x1b(B";
  CHECK(preview_of("Content-Type: text/plain; charset=ISO-2022-JP\r\n\r\n" + jis + "\r\n") ==
        "こんにちは");
  CHECK(preview_of("Content-Type: text/plain; charset=Shift_JIS\r\n\r\n"
                   "\x82\xb1\x82\xf1\x82\xc9\x82\xbf\x82\xcd\r\n") == "こんにちは");
  CHECK(preview_of("Content-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: base64\r\n\r\n" +
                   base64_encode("お知らせ：明日は休み") + "\r\n") == "お知らせ：明日は休み");
}

TEST_CASE("HTML without its markup, styles and scripts") {
  CHECK(preview_of("Content-Type: text/html; charset=utf-8\r\n\r\n"
                   "<html><style>p { color: red }</style><script>a < b</script>"
                   "<p>Hello <b>world</b></p>") == "Hello world");
  CHECK(preview_of("Content-Type: text/html\r\n\r\n<p>open <b").starts_with("open"));
  CHECK(preview_of("Content-Type: text/html\r\n\r\n<style>never closed").empty());
}

TEST_CASE("multipart: the plain text goes before HTML, attachments count for nothing") {
  CHECK(preview_of("Content-Type: multipart/alternative; boundary=b\r\n\r\n"
                   "--b\r\nContent-Type: text/html\r\n\r\n<p>marked up\r\n"
                   "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n") == "plain");
  CHECK(preview_of("Content-Type: multipart/mixed; boundary=b\r\n\r\n"
                   "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n"
                   "list\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>seen\r\n--b--\r\n") == "seen");
  CHECK(preview_of("Content-Type: image/png\r\n\r\nxxxx\r\n").empty());
}

TEST_CASE(
    "text behind the beginning that is at hand gives no preview, and a part of it gives some") {
  std::string message = "X: " + std::string(900, 'x') + "\r\n\r\nHello world\r\n";
  CHECK(preview_of(message, 500).empty());
  CHECK(preview_of(message, message.size() - 8) == "Hello");
}

TEST_CASE("controls never reach the preview, and it is UTF-8 whatever comes") {
  auto words =
      preview_of(std::string("Subject: x\r\n\r\na\0b\x1b[31m\x7f\xff\xfe\xe3\x81 c\r\n", 31));
  for (char c : words) CHECK(static_cast<unsigned char>(c) >= ' ');
  CHECK(utf8_prefix(words, words.size()) == words);
  for (std::string_view rest = words; !rest.empty();) {
    auto length = utf8_sequence(rest);
    REQUIRE(length > 0);
    rest.remove_prefix(length);
  }
}
