#include "imap/server/fetch_writer.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::imap;

namespace {

using Path = std::vector<std::uint32_t>;
using What = Section::What;

// RFC 9051 §6.4.5.1: a multipart that holds a text, a message that is a multipart, and a message
// that is a text.
constexpr std::string_view nested =
    "Subject: outer\r\n"
    "Content-Type: multipart/mixed; boundary=OUT\r\n"
    "\r\n"
    "--OUT\r\n"
    "\r\n"
    "first\r\n"
    "--OUT\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "Content-Type: multipart/alternative; boundary=IN\r\n"
    "\r\n"
    "--IN\r\n"
    "\r\n"
    "plain\r\n"
    "--IN\r\n"
    "Content-Type: text/html\r\n"
    "\r\n"
    "html\r\n"
    "--IN--\r\n"
    "--OUT\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: single\r\n"
    "\r\n"
    "alone\r\n"
    "--OUT--\r\n";

// The octets of a section, or "NIL".
std::string section(std::string_view message, Path part, What what = What::everything) {
  auto structure = mime::parse_structure(message);
  auto range = find_section(structure, {.part = std::move(part), .what = what}, message.size());
  return range ? std::string(message.substr(range->begin, range->size())) : "NIL";
}

bool has_part(std::string_view message, const Path& path) {
  return find_part(mime::parse_structure(message), path).has_value();
}

}  // namespace

TEST_CASE("section: the message itself") {
  CHECK(section(nested, {}) == nested);
  CHECK(section(nested, {}, What::header) ==
        "Subject: outer\r\nContent-Type: multipart/mixed; boundary=OUT\r\n\r\n");
  CHECK(section(nested, {}, What::header) + section(nested, {}, What::text) == nested);
}

TEST_CASE("section: parts of a multipart, and of a message within") {
  CHECK(section(nested, {1}) == "first");
  CHECK(section(nested, {1}, What::mime) == "\r\n");
  CHECK(section(nested, {2}, What::mime) == "Content-Type: message/rfc822\r\n\r\n");
  CHECK(section(nested, {2}, What::header) ==
        "Subject: inner\r\nContent-Type: multipart/alternative; boundary=IN\r\n\r\n");
  CHECK(section(nested, {2}) ==
        section(nested, {2}, What::header) + section(nested, {2}, What::text));
  CHECK(section(nested, {2, 1}) == "plain");
  CHECK(section(nested, {2, 2}) == "html");
  CHECK(section(nested, {2, 2}, What::mime) == "Content-Type: text/html\r\n\r\n");
  CHECK(section(nested, {3, 1}) == "alone");
  CHECK(section(nested, {3}, What::text) == "alone");
  CHECK(section(nested, {3}, What::header) == "Subject: single\r\n\r\n");
}

TEST_CASE("section: parts that are not there") {
  for (const Path& path : {Path{0}, Path{4}, Path{1, 1}, Path{2, 3}, Path{2, 1, 1}, Path{3, 2},
                           Path{3, 1, 1}, Path{4294967295}}) {
    CAPTURE(path.size());
    CHECK_FALSE(has_part(nested, path));
  }
  // Only messages have a header and a text.
  CHECK(section(nested, {1}, What::header) == "NIL");
  CHECK(section(nested, {1}, What::text) == "NIL");
}

TEST_CASE("section: what is no multipart is its own part 1") {
  constexpr std::string_view plain = "Subject: one\r\n\r\nHello\r\n";
  CHECK(section(plain, {1}) == "Hello\r\n");
  CHECK(section(plain, {1}, What::mime) == "Subject: one\r\n\r\n");
  CHECK_FALSE(has_part(plain, {2}));
  CHECK_FALSE(has_part(plain, {1, 1}));
  CHECK(section("", {1}) == "");
  CHECK(section("", {}, What::header) == "");
  CHECK(section("Subject: no body", {}, What::text) == "");
}

TEST_CASE("section: a message whose body is a message") {
  constexpr std::string_view wrapped =
      "Content-Type: message/rfc822\r\n\r\n"
      "Content-Type: multipart/mixed; boundary=B\r\n\r\n"
      "--B\r\n\r\na\r\n--B\r\n\r\nb\r\n--B--\r\n";
  CHECK(section(wrapped, {1}) == section(wrapped, {}, What::text));
  CHECK(section(wrapped, {1}, What::header) == "Content-Type: multipart/mixed; boundary=B\r\n\r\n");
  CHECK(section(wrapped, {1, 1}) == "a");
  CHECK(section(wrapped, {1, 2}) == "b");
  CHECK_FALSE(has_part(wrapped, {1, 3}));
  CHECK_FALSE(has_part(wrapped, {2}));
}

TEST_CASE("section: fields that are named or not") {
  constexpr std::string_view header = "From: a\r\nTo: b,\r\n c\r\nfrom: d\r\nX: e\r\n\r\n";
  Section some{.what = What::header_fields, .fields = {"FROM", "Nothing"}};
  CHECK(select_fields(header, some) == "From: a\r\nfrom: d\r\n\r\n");
  Section others{.what = What::header_fields_not, .fields = {"from"}};
  CHECK(select_fields(header, others) == "To: b,\r\n c\r\nX: e\r\n\r\n");
  CHECK(select_fields("", some) == "\r\n");
}
