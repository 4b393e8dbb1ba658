#include "mime/address.h"

#include "base/utf8.h"
#include "mime/envelope.h"
#include "mime/header.h"

#include <doctest/doctest.h>

#include <random>

using namespace todoke;
using namespace todoke::mime;

namespace {

// A list in short: "name|route|local|domain", "group:name", "end".
std::string summary(std::string_view value) {
  std::string out;
  for (const auto& a : parse_addresses(value).addresses) {
    if (!out.empty()) out += "; ";
    if (a.kind == Address::Kind::group_start) out += "group:" + a.name;
    if (a.kind == Address::Kind::group_end) out += "end";
    if (a.kind == Address::Kind::mailbox) {
      out += a.name + "|" + a.local + "|" + a.domain;
      if (!a.route.empty()) out += "|" + a.route;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("RFC 5322 appendix A") {
  CHECK(summary("John Doe <jdoe@machine.example>") == "John Doe|jdoe|machine.example");
  CHECK(summary("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>") ==
        "Mary Smith|mary|x.test; |jdoe|example.org; Who?|one|y.test");
  CHECK(summary("\"Joe Q. Public\" <john.q.public@example.com>") ==
        "Joe Q. Public|john.q.public|example.com");
  CHECK(summary("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>") ==
        "|boss|nil.test; Giant; \"Big\" Box|sysservices|example.net");
  CHECK(summary("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;") ==
        "group:A Group; Ed Jones|c|a.test; |joe|where.test; John|jdoe|one.test; end");
  CHECK(summary("Undisclosed recipients:;") == "group:Undisclosed recipients; end");
  CHECK(summary("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>") ==
        "Pete|pete|silly.test");
  CHECK(summary("A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
                "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of "
                "the group)") ==
        "group:A Group; Chris Jones|c|public.example; |joe|example.org; John|jdoe|one.test; end");
  CHECK(summary("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;") ==
        "group:Hidden recipients; end");
  // Obsolete forms.
  CHECK(summary("Joe Q. Public <john.q.public@example.com>") ==
        "Joe Q. Public|john.q.public|example.com");
  CHECK(summary("Mary Smith <@node.test,@b.test:mary@example.net>, , jdoe@test   . example") ==
        "Mary Smith|mary|example.net|@node.test,@b.test; |jdoe|test.example");
}

TEST_CASE("forms of Japanese carriers") {
  CHECK(summary("a..b@docomo.ne.jp, a.@ezweb.ne.jp, .a@softbank.ne.jp") ==
        "|a..b|docomo.ne.jp; |a.|ezweb.ne.jp; |.a|softbank.ne.jp");
  CHECK(summary("<taro..@docomo.ne.jp>") == "|taro..|docomo.ne.jp");
  CHECK(summary("\"a..b\"@docomo.ne.jp") == "|a..b|docomo.ne.jp");
  CHECK(addr_spec(parse_addresses("a..b@docomo.ne.jp").addresses.at(0)) == "\"a..b\"@docomo.ne.jp");
  CHECK(addr_spec(parse_addresses("a.b@docomo.ne.jp").addresses.at(0)) == "a.b@docomo.ne.jp");
}

TEST_CASE("comments, literals, UTF-8, raw ISO-2022-JP") {
  CHECK(summary("jdoe@example.org (John (Q.) Doe)") == "John (Q.) Doe|jdoe|example.org");
  CHECK(summary("<jdoe@example.org> (John)") == "John|jdoe|example.org");
  CHECK(summary("a@[192.0.2.1], b@[IPv6:2001:db8::1]") == "|a|[192.0.2.1]; |b|[IPv6:2001:db8::1]");
  CHECK(summary("山田 <太郎@例え.jp>") == "山田|太郎|例え.jp");
  CHECK(summary("\x1B$B;3EDB@O:\x1B(B <taro@example.jp>") == "山田太郎|taro|example.jp");
  CHECK(summary("\"\x95\x5C\x8E\xA6\" <a@example.jp>") == "表示|a|example.jp");
  CHECK(display_name(parse_addresses("=?ISO-2022-JP?B?GyRCRk8kMSRP?= <a@b>").addresses.at(0)) ==
        "届けは");
}

TEST_CASE("broken lists keep what they can") {
  CHECK(summary("") == "");
  CHECK(summary(",,;>") == "");
  CHECK(summary("postmaster") == "|postmaster|");
  CHECK(summary("John Doe") == "John Doe||");
  CHECK(summary("John Doe jdoe@example.org") == "John Doe|jdoe|example.org");
  CHECK(summary("jdoe@example.org John Doe") == "John Doe|jdoe|example.org");
  CHECK(summary("a@b.test <a@b.test>") == "a@b.test|a|b.test");
  CHECK(summary("Name <a@b.test, Other <c@d.test>") == "Name|a|b.test; Other|c|d.test");
  CHECK(summary("A <a@b.test> B <c@d.test>") == "A|a|b.test; B|c|d.test");
  CHECK(summary("<<a@b.test>>") == "|a|b.test");
  CHECK(summary("\"unclosed <a@b.test>, c@d.test") == "\"unclosed|a|b.test; |c|d.test");
  CHECK(summary("(unclosed a@b.test, c@d.test") == "(unclosed|a|b.test; |c|d.test");
  CHECK(summary("\"a@b.test\"") == "|a|b.test");
  CHECK(summary("a@b@c.test") == "|a@b|c.test");
  CHECK(summary("Nobody <>") == "Nobody||");
  CHECK(summary("group: a@b.test") == "group:group; |a|b.test; end");
  CHECK(summary("a@[1.2.3.4") == "|a|[1.2.3.4");
}

TEST_CASE("the limit, inside and outside of groups") {
  std::string many;
  for (int i = 0; i < 12'000; ++i) many += "a@b,";
  auto parsed = parse_addresses(many);
  CHECK(parsed.truncated);
  CHECK(parsed.addresses.size() == max_addresses);
  parsed = parse_addresses("g:" + many, 100);
  CHECK(parsed.truncated);
  CHECK(parsed.addresses.size() == 100);
  CHECK(parsed.addresses.back().kind == Address::Kind::group_end);
  CHECK_FALSE(parse_addresses("a@b,c@d", 2).truncated);
  CHECK(parse_addresses("g:a@b", 0).addresses.empty());
}

TEST_CASE("fields of a header") {
  std::string block = "From x\nA: 1\r\nB : two\r\n\tthree\r\n  \r\nC:4\nbody";
  auto fields = split_header(block);
  REQUIRE(fields.size() == 3);
  CHECK(fields[1].name == "B");
  CHECK(fields[1].raw_value == " two\r\n\tthree\r\n  ");
  CHECK(unfold(fields[1].raw_value) == "two\tthree");
  CHECK(block.substr(fields[2].begin, fields[2].end - fields[2].begin) == "C:4\n");
  CHECK(find_field(fields, "c") == &fields[2]);
  CHECK(find_field(fields, "d") == nullptr);
  CHECK(header_text(" =?utf-8?B?5bGK?=\r\n =?utf-8?B?44GR?=\r\n") == "届け");
}

TEST_CASE("random lists are UTF-8 and well-formed") {
  std::mt19937 random(4);
  const std::string alphabet = "ab.@<>,;:()\"\\[] \r\n\x1B$B\x82\xA0\xE5";
  for (int i = 0; i < 3'000; ++i) {
    std::string value;
    for (auto n = random() % 60; n > 0; --n) value += alphabet[random() % alphabet.size()];
    bool in_group = false;
    for (const auto& a : parse_addresses(value).addresses) {
      CHECK(is_utf8(a.name + a.local + a.domain + a.route));
      if (a.kind != Address::Kind::mailbox) {
        CHECK(in_group == (a.kind == Address::Kind::group_end));
        in_group = !in_group;
      }
    }
    CHECK_FALSE(in_group);
    auto envelope = parse_envelope("From: " + value + "\r\nSubject: " + value);
    CHECK(decode_envelope(encode(envelope)) == envelope);
  }
}
