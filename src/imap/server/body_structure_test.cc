#include "imap/server/fetch_writer.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::imap;

namespace {

std::string written(std::string_view message, Extensions with) {
  std::string out;
  write_body_structure(out, mime::parse_structure(message), with);
  return out;
}
std::string body(std::string_view message) {
  return written(message, Extensions::no);
}
std::string full(std::string_view message) {
  return written(message, Extensions::yes);
}

}  // namespace

// RFC 9051 §7.5.2, BODYSTRUCTURE.
TEST_CASE("structure: a text") {
  constexpr std::string_view text =
      "Content-Type: TEXT/PLAIN; charset=US-ASCII\r\n"
      "Content-Transfer-Encoding: 7BIT\r\n\r\na\r\nb\r\n";
  CHECK(body(text) == R"(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 6 2))");
  CHECK(full(text) ==
        R"(("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 6 2 NIL NIL NIL NIL))");
  CHECK(body("") == R"(("text" "plain" NIL NIL NIL "7bit" 0 0))");
}

TEST_CASE("structure: all that a part can say of itself") {
  CHECK(full("Content-Type: image/png; name=\"a \\\"b\\\".png\"\r\n"
             "Content-Transfer-Encoding: base64\r\n"
             "Content-ID: <1@x>\r\n"
             "Content-Description: a picture\r\n"
             "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
             "Content-Disposition: attachment; filename=b.png\r\n"
             "Content-Language: ja, en\r\n"
             "Content-Location: http://x/\r\n\r\nAAAA") ==
        R"(("image" "png" ("name" "a \"b\".png") "<1@x>" "a picture" "base64" 4 )"
        R"("Q2hlY2sgSW50ZWdyaXR5IQ==" ("attachment" ("filename" "b.png")) ("ja" "en") )"
        R"("http://x/"))");
}

TEST_CASE("structure: a multipart, and a message within") {
  constexpr std::string_view nested =
      "Content-Type: multipart/mixed; boundary=B\r\n\r\n"
      "--B\r\n\r\none\r\n"
      "--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\ntwo\r\n"
      "--B--\r\n";
  CHECK(body(nested) == R"((("text" "plain" NIL NIL NIL "7bit" 3 1))"
                        R"(("message" "rfc822" NIL NIL NIL "7bit" 17 )"
                        R"((NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) )"
                        R"(("text" "plain" NIL NIL NIL "7bit" 3 1) 3) "mixed"))");
  CHECK(full(nested).ends_with(R"( 3 NIL NIL NIL NIL) "mixed" ("boundary" "B") NIL NIL NIL))"));
}

// Every multipart on the wire has parts and every message an envelope; what has none is text or
// bytes.
TEST_CASE("structure: what cannot be looked into") {
  CHECK(body("Content-Type: multipart/mixed\r\n\r\nx\r\n") ==
        R"(("text" "plain" NIL NIL NIL "7bit" 3 1))");
  CHECK(body("Content-Type: multipart/mixed\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==") ==
        R"(("application" "octet-stream" NIL NIL NIL "base64" 4))");
  CHECK(body("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==") ==
        R"(("application" "octet-stream" NIL NIL NIL "base64" 4))");
}

TEST_CASE("structure: 8-bit text is a literal, and nothing breaks out of quotes") {
  CHECK(body("Content-Description: \xE6\x97\xA5\r\n\r\n") ==
        "(\"text\" \"plain\" NIL NIL {3}\r\n\xE6\x97\xA5 \"7bit\" 0 0)");
  CHECK(body("Content-Description: a\\ \") NIL\r\n\r\n") ==
        R"(("text" "plain" NIL NIL "a\\ \") NIL" "7bit" 0 0))");
}

TEST_CASE("structure: facts that an item needs") {
  FetchItem whole{.kind = FetchItem::Kind::section};
  CHECK(facts_for(whole) == store::fact_body);
  FetchItem part{.kind = FetchItem::Kind::section, .section = {.part = {1}}};
  CHECK(facts_for(part) == (store::fact_body | store::fact_structure));
  CHECK(facts_for({.kind = FetchItem::Kind::flags}) == 0);
}
