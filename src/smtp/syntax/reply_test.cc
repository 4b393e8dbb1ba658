#include "smtp/syntax/reply.h"

#include <doctest/doctest.h>

#include <initializer_list>

using namespace todoke;
using namespace todoke::smtp;

namespace {

Result<Reply> parse(std::initializer_list<std::string_view> lines) {
  ReplyParser parser;
  std::size_t count = 0;
  for (auto line : lines) {
    TRY(auto complete, parser.add(line));
    CHECK(complete == (++count == lines.size()));
  }
  return parser.take();
}

}  // namespace

TEST_CASE("RFC 5321 §4.2.1: one line and several") {
  CHECK(render(make_reply(354, "Go ahead")) == "354 Go ahead\r\n");
  CHECK(render(make_reply(250, {2, 1, 5}, "Recipient ok")) == "250 2.1.5 Recipient ok\r\n");
  CHECK(render({250, {}, {"mx.example.jp", "SIZE 1000", "PIPELINING"}}) ==
        "250-mx.example.jp\r\n250-SIZE 1000\r\n250 PIPELINING\r\n");
  CHECK(render({550, EnhancedCode{5, 7, 1}, {"No.", "Sorry."}}) ==
        "550-5.7.1 No.\r\n550 5.7.1 Sorry.\r\n");
  CHECK(render({250, {}, {}}) == "250 \r\n");
  CHECK(render(make_reply(334, "")) == "334 \r\n");
  CHECK(render({250, EnhancedCode{2, 0, 0}, {}}) == "250 2.0.0\r\n");
  CHECK(render({250, {}, {"", "x"}}) == "250-\r\n250 x\r\n");
}

TEST_CASE("no text can break out of its line") {
  CHECK(render(make_reply(550, "a\r\n250 b\x1b")) == "550 a  250 b \r\n");
  CHECK(render(make_reply(550, std::string("a\0b", 3))) == "550 a b\r\n");
  CHECK(render(make_reply(550, "届け \x93\xFA")) == "550 届け ??\r\n");
  auto longest = render(make_reply(550, {5, 0, 0}, std::string(2000, 'x')));
  CHECK(longest.size() == 512);
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "届";
  auto cut = render(make_reply(550, wide));
  CHECK(cut.size() > 508);
  CHECK(cut.size() <= 512);
  CHECK_FALSE(cut.contains('?'));
}

TEST_CASE("RFC 3463 §2: enhanced codes") {
  CHECK(parse_enhanced_code("5.1.1") == EnhancedCode{5, 1, 1});
  CHECK(parse_enhanced_code("4.999.999") == EnhancedCode{4, 999, 999});
  CHECK(to_text(EnhancedCode{4, 999, 10}) == "4.999.10");
  for (auto bad :
       {"", "5", "5.1", "5.1.", "3.1.1", "5.1.1000", "5.1.1 ", "5.1.1.1", "55.1.1", "5.-1.1"})
    CHECK_FALSE(parse_enhanced_code(bad));
}

TEST_CASE("replies of other servers") {
  CHECK(parse({"250 2.1.5 OK"}) == make_reply(250, {2, 1, 5}, "OK"));
  CHECK(parse({"250-mx.example.jp", "250-SIZE 1000", "250 8BITMIME"}) ==
        Reply{250, {}, {"mx.example.jp", "SIZE 1000", "8BITMIME"}});
  CHECK(parse({"550-5.1.1 No such", "550 5.1.1 user"}) ==
        Reply{550, EnhancedCode{5, 1, 1}, {"No such", "user"}});
  // docomo's words carry no enhanced code.
  CHECK(parse({"550 Unknown user a..b@docomo.ne.jp"}) ==
        make_reply(550, "Unknown user a..b@docomo.ne.jp"));
  CHECK(parse({"421 4.7.0"}) == Reply{421, EnhancedCode{4, 7, 0}, {""}});
  CHECK(parse({"250 5.1.1st street"})->lines[0] == "5.1.1st street");
}

TEST_CASE("replies that no RFC foresees") {
  CHECK(parse({"250"}) == Reply{250, {}, {""}});
  CHECK(parse({"250OK"}) == make_reply(250, "OK"));
  CHECK(parse({"250-one", "two", "250 three"}) == Reply{250, {}, {"one", "two", "three"}});
  CHECK(parse({"250-one", "550 two"})->code == 550);
  CHECK(parse({"250 a\rb\x1b"}) == make_reply(250, "a b "));
  CHECK(parse({"550 \x93\xFA"}) == make_reply(550, "\x93\xFA"));
  for (auto bad :
       {"", "25", "2500 x", "abc", "150 x", "650 x", " 250 x", "HTTP/1.1 400 Bad Request"})
    CHECK_FALSE(parse({bad}));
}

TEST_CASE("a reply without end is given up, and the parser serves for many replies") {
  ReplyParser parser;
  for (std::size_t i = 0; i < ReplyParser::max_lines; ++i) REQUIRE(parser.add("250-x") == false);
  CHECK(parser.add("250-x").error().code == Errc::over_limit);

  ReplyParser wide;
  CHECK(wide.add("250-" + std::string(ReplyParser::max_bytes - 4, 'x')) == false);
  CHECK(wide.add("250 x").error().code == Errc::over_limit);

  ReplyParser reused;
  CHECK(reused.add("250 2.0.0 a") == true);
  CHECK(reused.take() == make_reply(250, {2, 0, 0}, "a"));
  CHECK(reused.add("354 b") == true);
  CHECK(reused.take() == make_reply(354, "b"));
}
