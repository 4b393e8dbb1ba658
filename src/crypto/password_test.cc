#include "crypto/password.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace todoke;
using namespace todoke::crypto;

namespace {

constexpr std::string_view password = "pässwörd 届け";

}  // namespace

// Made with Python's hashlib, passlib, bcrypt and argon2-cffi, all independent of the libraries
// that verify here; $y$ and $gy$, which only libxcrypt can make, with that.
TEST_CASE("stored forms that other software made open with their password only") {
  for (std::string_view stored : {
           "{ARGON2ID}$argon2id$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$ou/"
           "7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "{ARGON2ID}$argon2id$v=19$m=64,t=3,p=2$c2FsdHNhbHQ$qz36Pe6QWB/"
           "drM/DAMCcgwIYVsn1CD9vbYkUg+hA9R4",
           "$argon2i$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$jCTOXGBzmFAd8e+AF6+FOrcNtUnyKNCinIYGi3+NvV8",
           "{ARGON2I}$argon2i$v=19$m=64,t=3,p=2$c2FsdHNhbHQ$whsicCu/"
           "jdPP5ZABNTgRy7G3iDdv7cijKLtbLmlk3SI",
           "{SHA512-CRYPT}$6$rounds=1000$saltsalt$0KF5tmV4byjuJub.77B.cj6eRGSvNUSy62jTk4JRie8vBiXzi"
           "fw0bkFP8ddasT5bt6gf9OxrC.16WCmwKcWAU/",
           "{SHA256-CRYPT}$5$rounds=1000$saltsalt$DFCDjgyEKq5TVAMdoy9OGeRCc4CwSN6ZenTYXK6oIU9",
           "{BLF-CRYPT}$2b$04$abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O",
           "{BLF-CRYPT}$2a$04$abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O",
           "{CRYPT}$2y$04$abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O",
           "$2y$04$abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O",
           "{MD5-CRYPT}$1$saltsalt$scT1frMKxtEgJjwc4KYDA0",
           "{MD5}$1$saltsalt$scT1frMKxtEgJjwc4KYDA0",
           "{CRYPT}abzp3RXJm5gNA",
           "{CRYPT}_7...abcdj.LiMUHwKTw",
           "{CRYPT}$sha1$40$saltsalt$zTQ3P7yw3mtU8n7SGWRagh5VJwi3",
           "$md5,rounds=4$saltsalt$$VHgjY2Dfw.JG/yyYgUbSX0",
           "$md5$saltsalt$$RfXjP.gR/uAvdrEqU12PE1",
           "{CRYPT}$y$j75$saltsalt$225nHWA0nnoUyxHQe4X73KaDAY9.bTwWc2owqjyI7ZB",
           "{crypt}$gy$j75$saltsalt$yJfx8PpR0aX1xBDNYUjGHr7ZfqZ5879/3RPIvT91Dn/",
           "$7$86..../....saltsalt$SlpzNangR7iQ88t2sH2t6Y2UIUW90bMht1so4Kca4j5",
           "{SHA}eK62/3XDIVkNSA3LBPJ95yqrK9k=",
           "{SHA1}78aeb6ff75c321590d480dcb04f27de72aab2bd9",
           "{sha.hex}78AEB6ff75c321590d480dcb04f27de72aab2bd9",
           "{SHA256}kLirYiEwrpmCSqxNuwu1ayvbB9dABFfl9FArHScgUI0=",
           "{SHA256.HEX}90b8ab622130ae99824aac4dbb0bb56b2bdb07d7400457e5f4502b1d2720508d",
           "{SHA512}ONLHeLXfUMPScxW5MliGShsSj5v/"
           "k2JffER3Mta8AkmTBCicuf5E6oG9JD2OzdYTJqHOBRZCMGg31+oL"
           "6S4/3Q==",
           "{SSHA}PHRvGnsKJft1H3/lEM7dX0vEnc8Bc2FsdP8=",
           "{SSHA.B64}PHRvGnsKJft1H3/lEM7dX0vEnc8Bc2FsdP8=",
           "{SSHA.HEX}3c746f1a7b0a25fb751f7fe510cedd5f4bc49dcf0173616c74ff",
           "{SSHA256}v1T67pBNuWFnw56BC48WqN1nKQJmBLRSu1+xeEaFuXUBc2FsdP8=",
           "{SSHA256.HEX}"
           "bf54faee904db96167c39e810b8f16a8dd6729026604b452bb5fb1784685b9750173616c74ff",
           "{SSHA512}Z17eXtyC1ZitsiwMwqBPXziXEtVzQwL9YL5xrc0S9Ki6xs1Avf2z0BGmJw+wAKymk4P+bs+"
           "FJ7jySlZf"
           "9yKp5wFzYWx0/w==",
           "{SMD5}iLQ2AkVfzH08Y3NgfLKvwAFzYWx0/w==",
           "{PLAIN-MD5}4e2dcdc426eef9deac1841306f5e67a4",
           "{PLAIN-MD5.B64}Ti3NxCbu+d6sGEEwb15npA==",
           "{LDAP-MD5}Ti3NxCbu+d6sGEEwb15npA==",
           "{MD5}Ti3NxCbu+d6sGEEwb15npA==",
           "{PLAIN}pässwörd 届け",
           "{cleartext}pässwörd 届け",
       }) {
    CAPTURE(stored);
    auto checked = check_stored_form(stored);
    CHECK_MESSAGE(checked.has_value(), (checked ? "" : checked.error().text));
    CHECK(verify_password(stored, password) == PasswordVerdict::right_needs_rehash);
    CHECK(verify_password(stored, "Pässwörd 届け") == PasswordVerdict::wrong);
  }
}

TEST_CASE("crypt(3) forms made by openssl passwd") {
  for (std::string_view stored : {"$1$saltsalt$5i3s7/HP6XowhlqhlO/Ys.",
                                  "$5$saltsalt$zZaFhmPjzFdslxVYfWtzmPOYVzYn7F8e5rXE4aAdstA",
                                  "$6$saltsalt$nFz2/8xS2PWx.tUtpKsYbY2YssYUIS7dl/"
                                  "vLUi636FI8YZz42ZzeDYJ2RirPHUKoXocfyZVOVSQelAepDtF/v/"}) {
    CHECK(verify_password(stored, "todoke") == PasswordVerdict::right_needs_rehash);
    CHECK(verify_password(stored, "Todoke") == PasswordVerdict::wrong);
  }
}

TEST_CASE("our own hashes") {
  auto stored = hash_password("correct horse", cheapest);
  REQUIRE(stored.has_value());
  CHECK(stored->starts_with("{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$"));
  CHECK(check_stored_form(*stored).has_value());
  CHECK(verify_password(*stored, "correct horse", cheapest) == PasswordVerdict::right);
  CHECK(verify_password(*stored, "correct horse") == PasswordVerdict::right_needs_rehash);
  CHECK(verify_password(*stored, "correct hors", cheapest) == PasswordVerdict::wrong);
  CHECK(hash_password("correct horse", cheapest).value() != *stored);  // another salt
}

TEST_CASE("an interactive hash of another implementation needs no rehash") {
  CHECK(verify_password("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
                        "$FiUONCQ4uK857f56KA0cs61eBMMnzOkJeuVma7omQmg",
                        password) == PasswordVerdict::right);
}

TEST_CASE("passwords that no scheme may see") {
  using namespace std::string_view_literals;
  const std::string longest(max_password, 'x');
  for (std::string_view bad : {""sv, "a\0b"sv, "\0"sv}) {
    auto stored = hash_password(bad, cheapest);
    REQUIRE_FALSE(stored.has_value());
    CHECK(stored.error().code == Errc::invalid);
  }
  CHECK(hash_password(longest, cheapest).has_value());
  CHECK_FALSE(hash_password(longest + "x", cheapest).has_value());
  CHECK(verify_password("{PLAIN}" + longest, longest) == PasswordVerdict::right_needs_rehash);

  // crypt(3) would stop at the NUL and see "todoke".
  CHECK(verify_password("$1$saltsalt$5i3s7/HP6XowhlqhlO/Ys.", "todoke\0x"sv) ==
        PasswordVerdict::wrong);
  // … and takes no more than 511 bytes.
  CHECK(verify_password("$1$saltsalt$5i3s7/HP6XowhlqhlO/Ys.", longest) == PasswordVerdict::wrong);
}

TEST_CASE("a refused form opens with nothing") {
  CHECK(verify_password("", "") == PasswordVerdict::wrong);
  CHECK(verify_password("{PLAIN}", "") == PasswordVerdict::wrong);
  CHECK(verify_password("todoke", "todoke") == PasswordVerdict::wrong);
  CHECK(verify_password("*0", "todoke") == PasswordVerdict::wrong);
  CHECK(verify_password("{CRYPT}*0", "todoke") == PasswordVerdict::wrong);
  // Would take minutes if it were tried.
  CHECK(verify_password("$2b$20$abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O", password) ==
        PasswordVerdict::wrong);
  CHECK(verify_password("$6$rounds=999999999$saltsalt$0KF5tmV4byjuJub.77B.cj6eRGSvNUSy62jTk4JRie8vB"
                        "iXzifw0bkFP8ddasT5bt6gf9OxrC.16WCmwKcWAU/",
                        password) == PasswordVerdict::wrong);
}
