#include "smtp/syntax/path.h"

#include <doctest/doctest.h>

#include <optional>

using namespace todoke;
using namespace todoke::smtp;

namespace {

std::optional<Path> forward(std::string_view text) {
  Cursor cursor(text);
  auto path = take_forward_path(cursor);
  if (!path || !cursor.at_end()) return {};
  return *path;
}

std::optional<Path> reverse(std::string_view text) {
  Cursor cursor(text);
  auto path = take_reverse_path(cursor);
  if (!path || !cursor.at_end()) return {};
  return *path;
}

}  // namespace

TEST_CASE("RFC 5321 §4.1.2: paths") {
  CHECK(forward("<Smith@bar.com>") == Path{"Smith", "bar.com"});
  CHECK(forward("<a.b-c+d@example.jp>") == Path{"a.b-c+d", "example.jp"});
  CHECK(forward("<user@localhost>") == Path{"user", "localhost"});
  CHECK(reverse("<>") == Path{});
  CHECK(reverse("<>")->is_null());
  CHECK_FALSE(forward("<>"));
  for (auto bad : {"",         "<",           "<a",       "<a>",     "<a@>",
                   "<@b>",     "<a@b",        "<a@b>x",   "<a b@c>", "<a@b c>",
                   "<a@-b>",   "<a@b->",      "<a@b..c>", "<a@.b>",  "<a@b.>",
                   "< a@b>",   "<a@b >",      "<<a@b>>",  "<a@b@c>", "<a,b@c>",
                   "<(x)a@b>", "<a@[1.2.3]>", "<a@b/c>",  "<\"a@b>", "<\"a\"b@c>"})
    CHECK_FALSE(forward(bad));
}

TEST_CASE("RFC 5321 §4.1.2: quoted local parts are stored plain and printed quoted when needed") {
  CHECK(forward(R"(<"Joe Bloggs"@example.com>)") == Path{"Joe Bloggs", "example.com"});
  CHECK(forward(R"(<"a\"b\\c\d>"@example.com>)") == Path{R"(a"b\cd>)", "example.com"});
  CHECK(forward(R"(<"plain"@example.com>)") == Path{"plain", "example.com"});
  CHECK(forward(R"(<""@example.com>)") == Path{"", "example.com"});
  CHECK_FALSE(forward(R"(<"a\"@example.com>)"));

  CHECK(to_text({"Joe Bloggs", "example.com"}) == R"("Joe Bloggs"@example.com)");
  CHECK(to_text({R"(a"b\c)", "x"}) == R"("a\"b\\c"@x)");
  CHECK(to_text({"plain", "example.com"}) == "plain@example.com");
  CHECK(to_text({"", "example.com"}) == R"(""@example.com)");
  CHECK(to_text({}).empty());
}

TEST_CASE("carriers' dots are kept as given") {
  for (auto text : {"a..b@docomo.ne.jp", ".a@docomo.ne.jp", "a.@ezweb.ne.jp", "a...@docomo.ne.jp",
                    "-a-.@ezweb.ne.jp"}) {
    auto path = parse_address(text);
    REQUIRE(path);
    CHECK(to_text(*path) == text);
    CHECK(needs_quoting(*path));
    auto strict = to_text(*path, Dots::strict);
    CHECK(strict.starts_with('"'));
    CHECK(parse_address(strict) == *path);
  }
  CHECK_FALSE(needs_quoting({"a.b", "docomo.ne.jp"}));
  CHECK(to_text({"a.b", "docomo.ne.jp"}, Dots::strict) == "a.b@docomo.ne.jp");
  CHECK(needs_quoting({"a b", "docomo.ne.jp"}));
  CHECK_FALSE(needs_quoting({}));
}

TEST_CASE("RFC 5321 §4.1.3: address literals") {
  for (auto good : {"[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:::1]", "[IPv6:::ffff:192.0.2.1]"})
    CHECK(parse_address("a@" + std::string(good)) == Path{"a", good});
  for (auto bad : {"[]", "[192.0.2]", "[192.0.2.256]", "[192.0.2.1", "[IPv6:192.0.2.1]", "[::1]",
                   "[IPv6:1:2:3]", "[IPv6:1::2::3]", "[tag:content]", "[ 192.0.2.1]"})
    CHECK_FALSE(is_domain(bad));
  CHECK_FALSE(is_domain(std::string_view("[192.0.2.1\0]", 12)));
}

TEST_CASE("RFC 5321 appendix C: source routes are ignored") {
  CHECK(forward("<@hosta.int,@jkl.org:userc@d.bar.org>") == Path{"userc", "d.bar.org"});
  CHECK(reverse("<@a.example:b@c.example>") == Path{"b", "c.example"});
  for (auto bad : {"<@a:>", "<@a,:b@c>", "<@:b@c>", "<@a b@c>", "<@a,b:c@d>"})
    CHECK_FALSE(forward(bad));
}

TEST_CASE("RFC 5321 §4.5.1: postmaster needs no domain") {
  CHECK(forward("<Postmaster>") == Path{"Postmaster", ""});
  CHECK(to_text({"Postmaster", ""}) == "Postmaster");
  CHECK_FALSE(reverse("<postmaster>"));
  CHECK_FALSE(forward("<postmasters>"));
}

TEST_CASE("RFC 6531 §3.3: UTF-8 in local part and domain, well-formed only") {
  auto path = forward("<届け@例え.テスト>");
  REQUIRE(path);
  CHECK(path->domain == "例え.テスト");
  CHECK(to_text(*path) == "届け@例え.テスト");
  CHECK(needs_utf8(*path));
  CHECK_FALSE(needs_utf8({"a", "b"}));
  CHECK(forward("<\"届 け\"@b>") == Path{"届 け", "b"});
  for (auto bad : {"<\x93\xFA@b>", "<a@\xC0\x80>", "<a\xC2\x85@b>", "<\"\xED\xA0\x80\"@b>"})
    CHECK_FALSE(forward(bad));
}

TEST_CASE("no control character gets in, and none gets out") {
  for (char c : {'\0', '\r', '\n', '\t', '\x1b', '\x7f'}) {
    CHECK_FALSE(forward(std::string("<a") + c + "@b>"));
    CHECK_FALSE(forward(std::string("<\"a") + c + "\"@b>"));
    CHECK_FALSE(forward(std::string("<\"a\\") + c + "\"@b>"));
    CHECK_FALSE(forward(std::string("<a@b") + c + ">"));
  }
  CHECK(to_text({"a\r\nRSET", "b\r\n"}) == "\"a??RSET\"@b??");
}

TEST_CASE("RFC 5321 §4.5.3.1: limits") {
  auto local = [](std::size_t n) { return std::string(n, 'a'); };
  CHECK(parse_address(local(64) + "@b"));
  CHECK(parse_address(local(65) + "@b").error().code == Errc::over_limit);
  CHECK(parse_address('"' + local(65) + "\"@b").error().code == Errc::over_limit);
  std::string label = local(62) + ".";
  CHECK(parse_address(local(63) + "@" + label + label + label + "b"));
  CHECK(parse_address(local(64) + "@" + label + label + label + "b").error().code ==
        Errc::over_limit);
  CHECK_FALSE(parse_address("a@" + local(64)));
  CHECK(parse_address("a@" + label + label + label + label + label).error().code ==
        Errc::over_limit);
}

TEST_CASE("what old programs send is taken") {
  CHECK(forward(" <a@b>") == Path{"a", "b"});
  CHECK(forward("a@b") == Path{"a", "b"});
  CHECK(reverse(" <>") == Path{});
}
