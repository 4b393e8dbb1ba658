#include "dns/name.h"

#include <doctest/doctest.h>

#include <string>

using namespace todoke;
using namespace std::string_literals;

TEST_CASE("names are compared in lower case and without the final dot") {
  CHECK(dns::normal_name("MX.Example.JP.") == "mx.example.jp");
  CHECK(dns::normal_name("example.jp") == "example.jp");
  CHECK(dns::normal_name(".") == "");
  CHECK(dns::normal_name("") == "");
  CHECK(dns::normal_name("_25._tcp.example.jp") == "_25._tcp.example.jp");
}

TEST_CASE("bytes that could be mistaken stand as escapes") {
  CHECK(dns::normal_name("a\\.b.example") == "a\\046b.example");
  CHECK(dns::normal_name("a\\000b") == "a\\000b");
  CHECK(dns::normal_name("two words") == "two\\032words");
  CHECK(dns::normal_name("\xE5\xB1\x8A.jp") == "\\229\\177\\138.jp");
  CHECK(dns::wire_name("a\\.B") == "\3a.b\0"s);
}

TEST_CASE("names keep the limits of RFC 1035 §2.3.4") {
  const std::string label(63, 'a');
  CHECK(dns::normal_name(label) == label);
  CHECK_FALSE(dns::normal_name(label + "a"));
  const auto longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  REQUIRE(longest.size() == dns::max_name);
  CHECK(dns::normal_name(longest + ".") == longest);
  CHECK_FALSE(dns::normal_name(longest + "b"));
  CHECK_FALSE(dns::normal_name(std::string(100'000, 'a')));
}

TEST_CASE("text that is no name is refused") {
  for (const char* text : {"..", ".a", "a..b", "a\\", "a\\25", "a\\256", "a\\2x5"}) {
    CAPTURE(text);
    auto name = dns::normal_name(text);
    REQUIRE_FALSE(name);
    CHECK(name.error().code == Errc::invalid);
  }
}

TEST_CASE("names on the wire are read with their size") {
  auto name = dns::parse_wire_name("\2MX\7example\2jp\0rest"s);
  REQUIRE(name);
  CHECK(name->text == "mx.example.jp");
  CHECK(name->size == 15);
  CHECK(dns::parse_wire_name("\0"s)->text == "");
  CHECK_FALSE(dns::parse_wire_name(""));
  CHECK_FALSE(dns::parse_wire_name("\2a"s));
  CHECK_FALSE(dns::parse_wire_name("\2ab"s));
  CHECK_FALSE(dns::parse_wire_name("\xC0\x0C"s));
  // 256 bytes with the root.
  std::string over;
  for (int i = 0; i < 4; ++i) over += '\77' + std::string(63, 'a');
  CHECK_FALSE(dns::parse_wire_name(over.substr(0, 255) + '\0'));
}

TEST_CASE("hosts have letters, digits and hyphens") {
  for (const char* name :
       {"example.jp", "a", "mx-1.example.jp", "3com.com", "xn--4ca.jp", "a_b.jp"})
    CHECK_MESSAGE(dns::is_host_name(name), name);
  for (const char* name :
       {"", "192.0.2.1", "a.-b", "a-.b", "a b", "a..b", "a.", "\\046.jp", "*.jp"})
    CHECK_MESSAGE(!dns::is_host_name(name), name);
}

TEST_CASE("domains of addresses become names to ask for") {
  CHECK(dns::domain_to_ask("Example.JP") == "example.jp");
  CHECK(dns::domain_to_ask("届け.jp") == "xn--08jw73k.jp");
  for (const char* domain : {"", "[192.0.2.1]", "192.0.2.1", "a b.jp", "\xFF.jp", "-a.jp"})
    CHECK_MESSAGE(!dns::domain_to_ask(domain), domain);
  CHECK_FALSE(dns::domain_to_ask("a\0.jp"s));
}

TEST_CASE("IP addresses have names that are read from the end") {
  CHECK(dns::reverse_name("192.0.2.1") == "1.2.0.192.in-addr.arpa");
  CHECK(dns::reverse_name("2001:db8::567:89ab") ==
        "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
  CHECK_FALSE(dns::reverse_name("example.jp"));
}
