#include "crypto/sasl.h"

#include "crypto/saslprep.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace todoke;
using namespace todoke::crypto;
using namespace std::string_view_literals;

TEST_CASE("RFC 4013 §3 examples") {
  CHECK(saslprep("I\xC2\xADX") == "IX");  // the soft hyphen goes
  CHECK(saslprep("user") == "user");
  CHECK(saslprep("USER") == "USER");
  CHECK(saslprep("\xC2\xAA") == "a");                 // NFKC
  CHECK(saslprep("\xE2\x85\xA8") == "IX");            // NFKC
  CHECK_FALSE(saslprep("\x07").has_value());          // a control
  CHECK_FALSE(saslprep("\xD8\xA7\x31").has_value());  // mixed directions
}

TEST_CASE("SASLprep beyond the examples") {
  CHECK(saslprep("ＡＮＮ　届け") == "ANN 届け");
  CHECK(saslprep("\xE3\x81\x8B\xE3\x82\x99") == "が");  // か and a combining mark become one
  CHECK(saslprep("😀") == "😀");                        // unassigned in Unicode 3.2, allowed
  CHECK_FALSE(saslprep("").has_value());
  CHECK_FALSE(saslprep("\xC2\xAD").has_value());  // nothing left
  CHECK_FALSE(saslprep("\xFF").has_value());
  CHECK_FALSE(saslprep("\xED\xA0\x80").has_value());  // a surrogate
  CHECK_FALSE(saslprep("a\0b"sv).has_value());
  CHECK_FALSE(saslprep(std::string(5000, 'a')).has_value());
  // The code point that NFKC expands most, as often as fits.
  std::string longest;
  while (longest.size() + 3 <= 4096) longest += "\xEF\xB7\xBA";
  auto prepared = saslprep(longest);
  REQUIRE(prepared.has_value());
  CHECK(prepared->size() > 10 * longest.size());
}

TEST_CASE("PLAIN, RFC 4616 §4 examples") {
  auto own = parse_sasl_plain("\0tim\0tanstaaftanstaaf"sv);
  REQUIRE(own.has_value());
  CHECK(own->authorization_identity == "");
  CHECK(own->user_name == "tim");
  CHECK(own->password == "tanstaaftanstaaf");

  auto other = parse_sasl_plain("Ursel\0Kurt\0xipj3plmq"sv);
  REQUIRE(other.has_value());
  CHECK(other->authorization_identity == "Ursel");
  CHECK(other->user_name == "Kurt");
  CHECK(other->password == "xipj3plmq");
}

TEST_CASE("PLAIN names are prepared, passwords are left alone") {
  auto claim = parse_sasl_plain("\0ｔｉｍ\0\x83\x70\xC2\xAA"sv);
  REQUIRE(claim.has_value());
  CHECK(claim->user_name == "tim");
  CHECK(claim->password == "\x83\x70\xC2\xAA");
}

TEST_CASE("PLAIN messages that are not") {
  for (std::string_view bad :
       {""sv, "\0"sv, "\0\0"sv, "tim"sv, "\0tim"sv, "\0tim\0"sv, "\0\0secret"sv,
        "\0tim\0sec\0ret"sv, "\0tim\0secret\0"sv, "\0t\x07m\0secret"sv, "\xFF\0tim\0secret"sv}) {
    CAPTURE(bad);
    auto claim = parse_sasl_plain(bad);
    REQUIRE_FALSE(claim.has_value());
    CHECK(claim.error().code == Errc::invalid);
  }
  const std::string nul(1, '\0');
  CHECK(parse_sasl_plain(nul + std::string(255, 'a') + nul + "secret").has_value());
  CHECK_FALSE(parse_sasl_plain(nul + std::string(256, 'a') + nul + "secret").has_value());
  CHECK(parse_sasl_plain(nul + "tim" + nul + std::string(1024, 'a')).has_value());
  CHECK_FALSE(parse_sasl_plain(nul + "tim" + nul + std::string(1025, 'a')).has_value());
}

TEST_CASE("LOGIN asks twice") {
  SaslLogin login;
  CHECK(login.challenge() == "Username:");
  REQUIRE(login.take("tim").has_value());
  CHECK_FALSE(login.complete());
  CHECK(login.challenge() == "Password:");
  REQUIRE(login.take("secret").has_value());
  CHECK(login.complete());
  CHECK(login.credentials().user_name == "tim");
  CHECK(login.credentials().password == "secret");
}

TEST_CASE("LOGIN refuses what PLAIN refuses") {
  CHECK_FALSE(SaslLogin().take("").has_value());
  CHECK_FALSE(SaslLogin().take("t\0m"sv).has_value());
  SaslLogin login;
  REQUIRE(login.take("tim").has_value());
  CHECK_FALSE(login.take("sec\0ret"sv).has_value());
  CHECK_FALSE(login.complete());
}
