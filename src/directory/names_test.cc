#include "directory/names.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::directory;

TEST_CASE("names: domains become A-labels in lower case") {
  CHECK(*domain_name("Kita.Example") == "kita.example");
  CHECK(*domain_name(" kita.example. ") == "kita.example");
  CHECK(*domain_name("日本語.example") == "xn--wgv71a119e.example");
  CHECK(*domain_name("XN--WGV71A119E.example") == "xn--wgv71a119e.example");
  CHECK(*domain_name("日本語。example") == "xn--wgv71a119e.example");
}

TEST_CASE("names: what is no domain is refused in words") {
  const auto refused = [](std::string_view text, std::string_view word) {
    CAPTURE(text);
    auto name = domain_name(text);
    REQUIRE(!name);
    CHECK(name.error().code == Errc::invalid);
    CHECK_MESSAGE(name.error().text.contains(word), name.error().text);
  };
  refused("", "missing");
  refused("localhost", "no dot");
  refused("a..example", "between two dots");
  refused("-a.example", "hyphen");
  refused("a_b.example", "only letters");
  refused("a b.example", "only letters");
  refused("192.0.2.1", "IP address");
  refused("[192.0.2.1]", "only letters");
  refused(std::string(64, 'a') + ".example", "longer than 63");
  refused("xn--a.example", "not a domain");
  std::string long_name;
  for (int i = 0; i < 60; ++i) long_name += "abcd.";
  refused(long_name + "example", "at most 253");
}

TEST_CASE("names: folding never fails") {
  CHECK(fold_domain("KITA.example.") == "kita.example");
  CHECK(fold_domain("日本語.Example") == "xn--wgv71a119e.example");
  CHECK(fold_domain("[192.0.2.1]") == "[192.0.2.1]");
  CHECK(fold_domain("\xff.example") == "\xff.example");
  CHECK(fold_domain("") == "");
  CHECK(fold_local("Ann.B") == "ann.b");
  CHECK(fold_local(".A..b.") == ".a..b.");
  // RFC 6532 §3.1: composed or not is the same.
  CHECK(fold_local("E\u0301COLE") == "\u00e9cole");
  CHECK(fold_local("stra\u00dfe") != fold_local("strasse"));
  CHECK(fold_login("ANN@Kita.EXAMPLE") == "ann@kita.example");
  CHECK(fold_login("YAMADA01") == "yamada01");
}

TEST_CASE("names: sub-addresses") {
  CHECK(without_detail("ann+list") == "ann");
  CHECK(without_detail("ann+a+b") == "ann");
  CHECK(!without_detail("ann"));
  CHECK(!without_detail("+ann"));
}

TEST_CASE("names: addresses") {
  CHECK(*mail_address("Ann@Kita.Example") == AddressParts{"ann", "kita.example"});
  CHECK(*mail_address("a..b@docomo.example") == AddressParts{"a..b", "docomo.example"});
  CHECK(*mail_address("\"a.\"@docomo.example") == AddressParts{"a.", "docomo.example"});
  CHECK(*mail_address("太郎@日本語.example") == AddressParts{"太郎", "xn--wgv71a119e.example"});
  for (auto text : {"", "ann", "@kita.example", "ann@", "a b@kita.example", "\"a b\"@kita.example",
                    "\"a@b\"@kita.example", "ann@kita", "ann@[192.0.2.1]", "a\nb@kita.example"}) {
    CAPTURE(text);
    CHECK(!mail_address(text));
  }
  CHECK(!mail_address(std::string(65, 'a') + "@kita.example"));
}

TEST_CASE("names: logins, listeners, lines, limits") {
  CHECK(*login_name(" Yamada01 ") == "yamada01");
  CHECK(*login_name("yamada%old.example") == "yamada%old.example");
  for (auto text : {"", " ", "a b", "a\x01", "\xff"}) CHECK(!login_name(text));
  CHECK(!login_name(std::string(256, 'a')));
  CHECK(*listener_address("") == "");
  CHECK(*listener_address("192.0.2.1") == "192.0.2.1");
  CHECK(*listener_address("2001:DB8:0::1") == "2001:db8::1");
  CHECK(!listener_address("pop.kita.example"));
  CHECK(*one_line(" 北 ", "the name") == "北");
  CHECK(!one_line("a\nb", "the name"));
  CHECK(!one_line("\xff", "the name"));
  CHECK(required_line(" ", "the name").error().text == "the name is missing");
  CHECK(check_quota(std::nullopt).has_value());
  CHECK(check_quota(0).has_value());
  CHECK(!check_quota(-1));
  CHECK(!check_quota(1ll << 51));
  CHECK(check_services(1).has_value());
  CHECK(!check_services(0));
  CHECK(!check_services(16));
}
