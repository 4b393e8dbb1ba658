#include "dns/records.h"

#include <doctest/doctest.h>

#include <string>

using namespace todoke;
using namespace std::string_literals;

TEST_CASE("addresses of both families") {
  CHECK(dns::parse_address("\300\0\2\1"s) == "192.0.2.1");
  CHECK(dns::parse_address("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s) == "2001:db8::1");
  CHECK_FALSE(dns::parse_address(""));
  CHECK_FALSE(dns::parse_address("12345"));
  for (const char* text : {"192.0.2.1", "2001:db8::1", "::"})
    CHECK(dns::parse_address(*dns::address_data(text)) == text);
  CHECK_FALSE(dns::address_data("192.0.2"));
  CHECK_FALSE(dns::address_data("mx.example.jp"));
}

TEST_CASE("MX records, RFC 1035 §3.3.9") {
  auto wire = "\1\2\2mx\7example\2jp\0"s;
  CHECK(dns::parse_mx(wire) == dns::Mx{258, "mx.example.jp"});
  CHECK(dns::mx_data({258, "MX.example.jp"}) == wire);
  CHECK(dns::parse_mx("\0\0\0"s) == dns::Mx{0, ""});
  CHECK_FALSE(dns::parse_mx(wire + "x"));
  for (std::size_t size = 0; size < wire.size(); ++size)
    CHECK_FALSE(dns::parse_mx(wire.substr(0, size)));
}

TEST_CASE("TXT records are joined without blanks, RFC 7208 §3.3") {
  CHECK(dns::parse_txt("\7v=spf1 \4-all"s) == "v=spf1 -all");
  CHECK(dns::parse_txt("\0"s) == "");
  CHECK_FALSE(dns::parse_txt(""));
  CHECK_FALSE(dns::parse_txt("\5four"s));
  for (std::size_t size : {0, 1, 255, 256, 510, 700}) {
    std::string text(size, 'k');
    CHECK(dns::parse_txt(dns::txt_data(text)) == text);
  }
}

TEST_CASE("names in PTR and CNAME records") {
  CHECK(dns::parse_name("\4Mail\7example\0"s) == "mail.example");
  CHECK_FALSE(dns::parse_name("\4mail\0x"s));
  CHECK_FALSE(dns::parse_name(""));
  CHECK(dns::name_data("mail.example") == "\4mail\7example\0"s);
}

TEST_CASE("TLSA records, RFC 6698 §2.1") {
  auto tlsa = dns::parse_tlsa("\3\1\1data"s);
  REQUIRE(tlsa);
  CHECK(*tlsa == dns::Tlsa{3, 1, 1, "data"});
  CHECK(dns::tlsa_data(*tlsa) == "\3\1\1data"s);
  CHECK_FALSE(dns::parse_tlsa("\3\1\1"s));
  CHECK_FALSE(dns::parse_tlsa(""));
}
