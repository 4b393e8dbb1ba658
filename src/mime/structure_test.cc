#include "mime/structure.h"

#include <doctest/doctest.h>

#include <random>

using namespace todoke;
using namespace todoke::mime;

namespace {

// Test messages are written with bare line feeds; mail has CRLF.
std::string crlf(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

std::string body_of(std::string_view message, const Part& part) {
  return std::string(message.substr(part.body_begin, part.size()));
}

bool same(const Structure& a, const Structure& b) {
  return a.parts == b.parts && a.truncated == b.truncated && a.header == b.header &&
         a.envelope == b.envelope && a.final_crlf == b.final_crlf;
}

Structure parse_in_chunks(std::string_view message, std::mt19937& random, std::size_t longest) {
  StructureParser parser;
  while (!message.empty()) {
    auto size = std::uniform_int_distribution<std::size_t>(0, longest)(random);
    parser.feed(message.substr(0, size));
    message.remove_prefix(std::min(size, message.size()));
  }
  return parser.finish();
}

// Every property that holds for all messages; returns the structure for further checks.
Structure parse_and_check(std::string_view message) {
  auto structure = parse_structure(message);
  std::mt19937 random(42);
  CHECK(same(structure, parse_in_chunks(message, random, 1)));
  CHECK(same(structure, parse_in_chunks(message, random, 7)));
  CHECK(same(structure, parse_in_chunks(message, random, 200)));
  auto stored = decode_structure(encode(structure));
  REQUIRE(stored.has_value());
  CHECK(stored->parts == structure.parts);
  CHECK(structure.parts[0].body_end == message.size());
  CHECK(structure.final_crlf == (message.empty() || message.ends_with("\r\n")));
  return structure;
}

// RFC 2046 §5.1.1, the example of two parts, with a header of ours.
const std::string two_parts = crlf(R"(From: Nathaniel Borenstein <nsb@bellcore.com>
To:  Ned Freed <ned@innosoft.com>
Subject: Sample message
MIME-Version: 1.0
Content-type: multipart/mixed; boundary="simple
 boundary"

This is the preamble.  It is to be ignored.
--simple boundary

This is implicitly typed plain ASCII text.
It does NOT end with a linebreak.
--simple boundary
Content-type: text/plain; charset=us-ascii

This is explicitly typed plain ASCII text.
It DOES end with a linebreak.

--simple boundary--
This is the epilogue.  It is also to be ignored.
)");

}  // namespace

TEST_CASE("an empty message is one empty text part") {
  auto structure = parse_and_check("");
  REQUIRE(structure.parts.size() == 1);
  CHECK(structure.parts[0].type == "text");
  CHECK(structure.parts[0].size() == 0);
  CHECK(structure.parts[0].lines == 0);
}

TEST_CASE("headers only, with and without the blank line") {
  for (std::string message :
       {"Subject: a\r\n", "Subject: a", "Subject: a\r\n\r\n", "Subject: a\n\n"}) {
    CAPTURE(message);
    auto structure = parse_and_check(message);
    REQUIRE(structure.parts.size() == 1);
    CHECK(structure.envelope.subject == "a");
    CHECK(structure.parts[0].body_begin == message.size());
    CHECK(structure.parts[0].lines == 0);
  }
}

TEST_CASE("a plain message") {
  auto message = crlf("Subject: a\nContent-Type: TEXT/Plain; Charset=UTF-8\n\none\ntwo\n");
  auto structure = parse_and_check(message);
  const auto& part = structure.parts.at(0);
  CHECK(part.subtype == "plain");
  CHECK(*part.parameters.find("charset") == "UTF-8");
  CHECK(body_of(message, part) == "one\r\ntwo\r\n");
  CHECK(part.lines == 2);
  CHECK(structure.header == "Subject: a\r\nContent-Type: TEXT/Plain; Charset=UTF-8\r\n");
  CHECK(parse_structure(crlf("A: b\n\none\ntwo")).parts[0].lines == 2);
}

TEST_CASE("RFC 2046 §5.1.1: boundaries own the line end before them") {
  auto structure = parse_and_check(two_parts);
  REQUIRE(structure.parts.size() == 3);
  CHECK(structure.parts[0].is_multipart());
  CHECK(structure.children(0) == std::vector{1, 2});
  CHECK(body_of(two_parts, structure.parts[1]) ==
        "This is implicitly typed plain ASCII text.\r\nIt does NOT end with a linebreak.");
  CHECK(structure.parts[1].lines == 2);
  CHECK(body_of(two_parts, structure.parts[2]) ==
        "This is explicitly typed plain ASCII text.\r\nIt DOES end with a linebreak.\r\n");
  CHECK(structure.parts[2].lines == 2);
  CHECK(structure.envelope.from.at(0).domain == "bellcore.com");
}

TEST_CASE("bare line feeds") {
  std::string message =
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n\n--b--\n";
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 3);
  CHECK(body_of(message, structure.parts[1]) == "one");
  CHECK(body_of(message, structure.parts[2]) == "two\n");
}

TEST_CASE("the last boundary is missing") {
  auto message =
      crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nA: b\n\ntwo\n");
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 3);
  CHECK(body_of(message, structure.parts[2]) == "two\r\n");
  CHECK(structure.parts[2].lines == 1);
}

TEST_CASE("the blank line is missing") {
  auto message = crlf("Subject: a\nHello there,\nthis is no header\n");
  auto structure = parse_and_check(message);
  CHECK(body_of(message, structure.parts[0]) == "Hello there,\r\nthis is no header\r\n");

  message =
      crlf("Content-Type: multipart/mixed; boundary=b\n--b\nContent-Type: text/html\n--b\n--b--");
  structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 3);
  CHECK(structure.parts[1].subtype == "html");
  CHECK(structure.parts[1].size() == 0);
  CHECK(structure.parts[1].lines == 0);
  CHECK(structure.parts[2].size() == 0);
}

TEST_CASE("boundaries that begin alike, and that look like their own end") {
  auto message = crlf(R"(Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/mixed; boundary=bb

--bb

inner
--bbb
--bb--
--b

outer
--b--
)");
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 4);
  CHECK(structure.parts[2].parent == 1);
  CHECK(body_of(message, structure.parts[2]) == "inner\r\n--bbb");
  CHECK(structure.parts[3].parent == 0);
  CHECK(body_of(message, structure.parts[3]) == "outer");
}

TEST_CASE("an inner multipart that is never closed ends with the outer boundary") {
  auto message = crlf(R"(Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner

a
--outer

b
--outer--
)");
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 4);
  CHECK(body_of(message, structure.parts[2]) == "a");
  CHECK(structure.parts[1].body_end == structure.parts[2].body_end);
  CHECK(structure.parts[3].parent == 0);
}

TEST_CASE("a nested message has an envelope and one child") {
  auto message = crlf(R"(Content-Type: multipart/digest; boundary=b

--b

From: a@example.jp
Subject: inner

hello
--b
Content-Type: message/rfc822

Subject: second
Content-Type: multipart/alternative; boundary=c

--c

x
--c--
--b--
)");
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 6);
  const auto& digest = structure.parts[1];
  CHECK(digest.is_message());
  CHECK(digest.type == "message");
  CHECK(digest.envelope->subject == "inner");
  CHECK(digest.envelope->sender.at(0).local == "a");
  CHECK(digest.lines == 4);
  CHECK(structure.parts[2].parent == 1);
  CHECK(structure.parts[2].header_begin == digest.body_begin);
  CHECK(body_of(message, structure.parts[2]) == "hello");
  CHECK(structure.parts[3].envelope->subject == "second");
  CHECK(structure.parts[4].is_multipart());
  CHECK(structure.children(3) == std::vector{4});
  CHECK(structure.children(4) == std::vector{5});
}

TEST_CASE("a nested header that runs into the boundary stays within its parent") {
  auto message = crlf(R"(Content-Type: multipart/mixed; boundary=b

--b
Content-Type: message/rfc822

Subject: inner
--b--
)");
  auto structure = parse_and_check(message);
  REQUIRE(structure.parts.size() == 3);
  CHECK(body_of(message, structure.parts[1]) == "Subject: inner\r\n");
  CHECK(structure.parts[2].body_end == structure.parts[1].body_end);
}

TEST_CASE("what cannot be looked into is opaque") {
  CHECK(parse_and_check("Content-Type: multipart/mixed\r\n\r\nx").parts[0].opaque);
  CHECK(parse_and_check("Content-Type: multipart/mixed; boundary=b\r\n\r\nx").parts[0].opaque);
  auto encoded = parse_and_check(
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
      "BASE64\r\n\r\nU3ViamVjdDogYQ==\r\n");
  CHECK(encoded.parts.size() == 1);
  CHECK(encoded.parts[0].opaque);
  CHECK_FALSE(encoded.truncated);
}

TEST_CASE("content fields") {
  auto message = crlf(R"(Content-Type: application/pdf; name="a.pdf"
Content-Transfer-Encoding: Base64 (really)
Content-Disposition: Attachment; filename*=UTF-8''%E5%B1%8A%E3%81%91.pdf
Content-ID: <1@example.jp>
Content-Description: a
 thing
Content-Language: ja, en
Content-Location: http://example.jp/
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==

x)");
  auto part = parse_and_check(message).parts.at(0);
  CHECK(part.encoding == "base64");
  CHECK(part.disposition == "attachment");
  CHECK(part.file_name() == "届け.pdf");
  CHECK(part.disposition_parameters.as_sent().at(0).name == "filename*");
  CHECK(part.content_id == "<1@example.jp>");
  CHECK(part.description == "a thing");
  CHECK(part.languages == std::vector<std::string>{"ja", "en"});
  CHECK(part.location == "http://example.jp/");
  CHECK(part.md5 == "Q2hlY2sgSW50ZWdyaXR5IQ==");
}

TEST_CASE("an mbox line above the header, NUL and 8-bit bytes") {
  std::string message =
      "From a@example.jp Sat Jan  3 01:05:34 1996\nSubject: \x83\x65\x83\x58\x83\x67\nX: ";
  message += '\0';
  message += "\n\n\xFF";
  message += '\0';
  auto structure = parse_and_check(message);
  CHECK(structure.envelope.subject == "テスト");
  CHECK(structure.parts[0].size() == 2);
}

TEST_CASE("limits: depth") {
  std::string message;
  for (int i = 0; i < 60; ++i) message += "Content-Type: message/rfc822\r\n\r\n";
  message += "Subject: deep\r\n\r\nx";
  auto structure = parse_and_check(message);
  CHECK(structure.truncated);
  CHECK(structure.parts.size() == max_depth + 1);
  CHECK(structure.parts.back().opaque);
  CHECK(structure.parts.back().body_end == message.size());
}

TEST_CASE("limits: parts") {
  std::string message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 1'500; ++i) message += "--b\r\n\r\nx\r\n";
  auto structure = parse_and_check(message);
  CHECK(structure.truncated);
  CHECK(structure.parts.size() == max_parts);
  CHECK(structure.parts.back().body_end == message.size());
}

TEST_CASE("limits: headers, of one part and of many") {
  std::string message = "Subject: a\r\nX: " + std::string(1'200'000, 'x') + "\r\n\r\nbody";
  auto structure = parse_structure(message);
  std::mt19937 random(1);
  CHECK(same(structure, parse_in_chunks(message, random, 5'000)));
  CHECK(structure.truncated);
  CHECK(structure.parts[0].opaque);
  CHECK(structure.parts[0].body_begin == 12);
  CHECK(structure.envelope.subject == "a");

  message = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < 15; ++i)
    message += "--b\r\nX: " + std::string(100'000, 'x') + "\r\n\r\nx\r\n";
  structure = parse_structure(message);
  CHECK(same(structure, parse_in_chunks(message, random, 50'000)));
  CHECK(structure.truncated);
  CHECK(structure.parts.size() == 11);
  CHECK(structure.parts.back().opaque);
}

TEST_CASE("limits: parameters") {
  std::string message = "Content-Type: text/plain";
  for (int i = 0; i < 100; ++i) message += "; a" + std::to_string(i) + "=b";
  auto structure = parse_and_check(message + "\r\n\r\n");
  CHECK(structure.truncated);
  CHECK(structure.parts[0].parameters.decoded.size() == max_parameters);
}

TEST_CASE("stored structures: nothing damaged is accepted, nothing breaks us") {
  auto bytes = encode(parse_structure(two_parts));
  CHECK(bytes.size() < 200);
  for (std::size_t i = 0; i < bytes.size(); ++i) CHECK_FALSE(decode_structure(bytes.substr(0, i)));
  CHECK_FALSE(decode_structure(bytes + "x"));
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (auto decoded = decode_structure(damaged)) CHECK(decode_structure(encode(*decoded)));
  }
}

TEST_CASE("random messages parse alike in any chunks") {
  const std::vector<std::string> pieces{
      "--b",
      "--bb",
      "--b--",
      "\r\n",
      "\n",
      "\r",
      "\r\n\r\n",
      "--",
      "A: b\r\n",
      " ",
      "x",
      "From ",
      "Content-Type: multipart/mixed; boundary=b\r\n",
      "Content-Type: message/rfc822\r\n",
      "Content-Type: multipart/digest; boundary=bb\r\n\r\n--bb\r\n",
      std::string(700, 'y')};
  std::mt19937 random(99);
  for (int i = 0; i < 300; ++i) {
    std::string message = i % 2 == 0 ? pieces[12] : "";
    for (auto n = random() % 40; n > 0; --n) message += pieces[random() % pieces.size()];
    CAPTURE(message);
    parse_and_check(message);
  }
}
