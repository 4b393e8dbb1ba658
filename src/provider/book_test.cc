#include "provider/book.h"

#include "provider/proof.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace todoke;
using provider::Book;

namespace {

std::string id_by_mx(std::vector<std::string> hosts, std::string_view domain = {}) {
  return Book::built_in().by_mx(hosts, domain).id;
}
std::string id_by_domain(std::string_view domain) {
  return Book::built_in().by_domain(domain).id;
}

constexpr std::string_view head = R"(version = 1
date = "2026-11-22"
[[provider]]
id = "generic"
name_ja = "g"
name_en = "g"
verified_on = "2026-11-22"
guide = { ja = "g", en = "g" }
)";
std::string provider_text(std::string_view id, std::string_view more) {
  return fmt::format(
      "[[provider]]\nid = \"{}\"\nname_ja = \"p\"\nname_en = \"p\"\nverified_on = \"2026-11-22\"\n"
      "guide = {{ ja = \"g\", en = \"g\" }}\n{}\n",
      id, more);
}
Result<Book> parse(std::string_view more) {
  return Book::parse(std::string(head) + std::string(more), "p.toml");
}
std::string error_of(std::string_view more) {
  auto book = parse(more);
  return book ? "" : book.error().text;
}
bool complains(std::string_view more, std::string_view words) {
  auto error = error_of(more);
  CAPTURE(error);
  CHECK(error.starts_with("p.toml:"));
  return error.find(words) != error.npos;
}

}  // namespace

TEST_CASE("providers are found by all of their hosts") {
  CHECK(id_by_mx({"gmail-smtp-in.l.google.com", "ALT1.gmail-smtp-in.L.Google.COM."}) == "gmail");
  CHECK(id_by_mx({"aspmx.l.google.com", "aspmx2.googlemail.com"}) == "gmail");
  CHECK(id_by_mx({"smtp.google.com"}) == "gmail");
  CHECK(id_by_mx({"mta5.am0.yahoodns.net"}) == "yahoo");
  CHECK(id_by_mx({"mx1.mail.yahoo.co.jp"}) == "yahoo-japan");
  CHECK(id_by_mx({"mx01.mail.icloud.com"}) == "icloud");
  CHECK(id_by_mx({"outlook-com.olc.protection.outlook.com"}) == "microsoft-consumer");
  CHECK(id_by_mx({"example-jp.mail.protection.outlook.com"}) == "microsoft-365");
  CHECK(id_by_mx({"example-jp.x-v1.mx.microsoft"}) == "microsoft-dane");
  CHECK(id_by_mx({"mfsmax.docomo.ne.jp"}) == "docomo");
  CHECK(id_by_mx({"lsean.ezweb.ne.jp"}) == "au");
  CHECK(id_by_mx({"msmx.au.com"}) == "au");
  CHECK(id_by_mx({"mx.mailsv.softbank.jp"}) == "softbank");
  CHECK(id_by_mx({"mx.k.vodafone.ne.jp"}) == "softbank");
}

TEST_CASE("the longest suffix counts") {
  CHECK(id_by_mx({"mx.softbank.ne.jp"}) == "softbank");
  CHECK(id_by_mx({"ymx1.softbank.ne.jp"}) == "y-mobile");
}

TEST_CASE("mixed and unknown hosts have a generic profile") {
  CHECK(id_by_mx({"aspmx.l.google.com", "mx.example.com"}) == "generic");
  CHECK(id_by_mx({"aspmx.l.google.com", "mx01.mail.icloud.com"}) == "generic");
  CHECK(id_by_mx({"mx.example.com", "aspmx.l.google.com"}) == "generic");
  CHECK(id_by_mx({"mx.example.com"}, "example.jp") == "generic-jp");
  CHECK(id_by_mx({"mx.example.co.jp"}) == "generic-jp");
  CHECK(id_by_mx({"aspmx.l.google.com", "mx.example.jp"}, "example.com") == "generic-jp");
  CHECK(id_by_mx({"aspmx.l.google.com"}, "example.jp") == "gmail");
  CHECK(id_by_mx({}) == "generic");
  CHECK(id_by_mx({""}) == "generic");
}

TEST_CASE("suffixes end at labels") {
  CHECK(id_by_mx({"evil-l.google.com"}) == "generic");
  CHECK(id_by_mx({"xl.google.com"}) == "generic");
  CHECK(id_by_mx({"l.google.com"}) == "gmail");
  CHECK(id_by_domain("notdocomo.ne.jp") == "generic-jp");
  CHECK(provider::is_under("a.b.", "B"));
  CHECK_FALSE(provider::is_under("b", "a.b"));
  CHECK_FALSE(provider::is_under("b", ""));
}

TEST_CASE("by domain when DNS is down") {
  CHECK(id_by_domain("Gmail.com") == "gmail");
  CHECK(id_by_domain("docomo.ne.jp") == "docomo");
  CHECK(id_by_domain("biz.ezweb.ne.jp") == "au");
  CHECK(id_by_domain("t.vodafone.ne.jp") == "softbank");
  CHECK(id_by_domain("yahoo.co.jp") == "yahoo-japan");
  CHECK(id_by_domain("example.jp") == "generic-jp");
  CHECK(id_by_domain("example.com") == "generic");
  CHECK(id_by_domain("") == "generic");
}

TEST_CASE("quirks and limits come through") {
  const auto* docomo = Book::built_in().find("docomo");
  REQUIRE(docomo != nullptr);
  CHECK(docomo->quirks.allows_odd_local_parts);
  CHECK_FALSE(docomo->quirks.discards_silently);
  CHECK(docomo->limits.recipients_per_connection == 100);
  CHECK(provider::quirk_names(docomo->quirks) ==
        std::vector<std::string_view>{"allows_odd_local_parts", "checks_spf_of_header_from",
                                      "avoids_full_hours"});
  CHECK(Book::built_in().find("au")->quirks.discards_silently);
  CHECK(Book::built_in().find("au")->limits.max_size == 3'000'000);
  CHECK(Book::built_in().find("softbank")->quirks.discards_silently);
  CHECK(Book::built_in().find("gmail")->quirks.refuses_odd_local_parts);
  CHECK(Book::built_in().find("nobody") == nullptr);
}

TEST_CASE("errors say line and reason") {
  CHECK(parse(""));
  CHECK(error_of("x = ").starts_with("p.toml:9:"));
  CHECK(error_of("wrong = 1") ==
        "p.toml:9: there is no key wrong; allowed here: id, name_ja, "
        "name_en, mx, domains, limits, quirks, guide, verified_on, "
        "sources, unverified, shares_rules_of, rule");
  CHECK(complains(provider_text("a", ""), "a has neither mx nor domains"));
  CHECK(complains(provider_text("generic", "mx = [\"a.jp\"]"), "two providers"));
  CHECK(complains(provider_text("global", "mx = [\"a.jp\"]"), "cannot be the id"));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]") + provider_text("b", "mx = [\"a.jp\"]"),
                  "a.jp stands twice among mx"));
  CHECK(complains(provider_text("a", "domains = [\"a.jp\", \"a.jp\"]"),
                  "stands twice among domains"));
  CHECK(complains(provider_text("a", "mx = [\"A.jp\"]"), "no domain name in lower case"));
  CHECK(complains(provider_text("a", "mx = [\".jp\"]"), "no domain name"));
  CHECK(complains(provider_text("a", "mx = \"a.jp\""), "list of texts"));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]\nquirks = [\"odd\"]"), "no quirk \"odd\""));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]\nlimits = { connections = 0 }"),
                  "connections must be a whole number from 1 to 1000"));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]\nlimits = { messages_per_second = nan }"),
                  "messages_per_second must be"));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]\nshares_rules_of = \"a\""), "cannot share"));
  CHECK(complains(provider_text("a", "mx = [\"a.jp\"]\nshares_rules_of = \"z\""), "cannot share"));
  auto no_generic = Book::parse("version = 1\ndate = \"2026-11-22\"", "p.toml");
  CHECK(no_generic.error().text == "p.toml:1: there is no provider \"generic\"");
  CHECK_FALSE(Book::parse(std::string(Book::max_file_bytes + 1, '#')));
}

TEST_CASE("rules that cannot be right are refused") {
  auto rule = [](std::string_view more) { return fmt::format("[[rule]]\nid = \"r\"\n{}\n", more); };
  CHECK(parse(rule("class = \"gone\"\nany = [\"x\"]\nfixtures = [\"rcpt 550 x\"]")));
  CHECK(complains(rule("class = \"gone\"\nany = [\"x\"]"), "global.r has no fixture"));
  CHECK(complains(rule("any = [\"x\"]\nfixtures = [\"rcpt 550 x\"]"), "says no class"));
  CHECK(complains(rule("class = \"gone\"\nfixtures = [\"rcpt 550 x\"]"), "says neither"));
  CHECK(complains(rule("class = \"dead\"\nany = [\"x\"]\nfixtures = [\"rcpt 550 x\"]"),
                  "no class \"dead\""));
  CHECK(complains(rule("class = \"gone\"\nany = [\"*\"]\nfixtures = [\"rcpt 550 x\"]"), "pattern"));
  CHECK(complains(rule("class = \"gone\"\ncodes = [\"250\"]\nfixtures = [\"rcpt 550 x\"]"),
                  "is no code"));
  CHECK(complains(rule("class = \"gone\"\nenhanced = [\"5.7\"]\nfixtures = [\"rcpt 550 x\"]"),
                  "no enhanced code"));
  CHECK(complains(rule("class = \"gone\"\nstages = [\"quit\"]\nany = [\"x\"]\n"
                       "fixtures = [\"rcpt 550 x\"]"),
                  "\"quit\" is none of the stages"));
  for (const auto* bad : {"", "550 x", "rcpt", "rcpt 250 x", "rcpt x", "rcpt reset x"}) {
    CAPTURE(bad);
    CHECK(complains(rule(fmt::format("class = \"gone\"\nany = [\"x\"]\nfixtures = [\"{}\"]", bad)),
                    "the fixture"));
  }
  auto good = rule("class = \"gone\"\nany = [\"x\"]\nfixtures = [\"rcpt 550 x\"]");
  CHECK(complains(good + good, "there are two rules global.r"));
}

TEST_CASE("a rule that can never match is found") {
  auto book = parse(
      "[[rule]]\nid = \"wide\"\nclass = \"gone\"\nany = [\"user\"]\n"
      "fixtures = [\"rcpt 550 user\"]\nnot = [\"rcpt 550 no user\"]\n"
      "[[rule]]\nid = \"narrow\"\nclass = \"gone\"\nany = [\"user unknown\"]\n"
      "fixtures = [\"rcpt 550 user unknown\"]\n");
  REQUIRE(book);
  CHECK(provider::faults(*book) ==
        std::vector<std::string>{
            "global.wide: it takes \"rcpt 550 no user\"",
            "global.narrow: its fixture \"rcpt 550 user unknown\" is taken by global.wide"});
}
