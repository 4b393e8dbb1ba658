#include "crypto/stored_form.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace todoke;
using namespace todoke::crypto;

namespace {

// The reason in words, or "" when the form is good.
std::string reason(std::string_view stored) {
  auto checked = check_stored_form(stored);
  return checked ? "" : checked.error().text;
}
bool is_too_costly(std::string_view stored) {
  auto checked = check_stored_form(stored);
  return !checked && checked.error().code == Errc::over_limit;
}
bool is_invalid(std::string_view stored) {
  auto checked = check_stored_form(stored);
  return !checked && checked.error().code == Errc::invalid;
}

const std::string sha512_hash(86, 'a');
const std::string bcrypt_rest = "abcdefghijklmnopqrstuuY289rX8iag042G66M.bQj8.sCLcbI.O";
const std::string argon2_rest = "$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM";

}  // namespace

TEST_CASE("work beyond the bounds is refused, up to them it is taken") {
  CHECK(reason("$6$rounds=1000000$salt$" + sha512_hash) == "");
  CHECK(is_too_costly("$6$rounds=1000001$salt$" + sha512_hash));
  CHECK(is_too_costly("{CRYPT}$6$rounds=999999999$salt$" + sha512_hash));
  CHECK(is_too_costly("{SHA256-CRYPT}$5$rounds=999999999$salt$" + std::string(43, 'a')));
  CHECK(reason("{BLF-CRYPT}$2y$14$" + bcrypt_rest) == "");
  CHECK(is_too_costly("{BLF-CRYPT}$2y$15$" + bcrypt_rest));
  CHECK(is_too_costly("$2b$20$" + bcrypt_rest));
  CHECK(reason("{ARGON2ID}$argon2id$v=19$m=262144,t=4,p=1" + argon2_rest) == "");
  CHECK(is_too_costly("{ARGON2ID}$argon2id$v=19$m=262144,t=5,p=1" + argon2_rest));
  CHECK(is_too_costly("{ARGON2ID}$argon2id$v=19$m=262145,t=1,p=1" + argon2_rest));
  CHECK(is_too_costly("{ARGON2ID}$argon2id$v=19$m=8,t=4294967295,p=1" + argon2_rest));
  CHECK(is_too_costly("{ARGON2ID}$argon2id$v=19$m=512,t=1,p=17" + argon2_rest));
  CHECK(reason("$y$jBT$salt$" + std::string(43, 'a')) == "");
  CHECK(is_too_costly("$y$jFT$salt$" + std::string(43, 'a')));
  CHECK(is_too_costly("$gy$jCT$salt$" + std::string(43, 'a')));
  CHECK(reason("$7$CU..../....salt$" + std::string(43, 'a')) == "");
  CHECK(is_too_costly("$7$DU..../....salt$" + std::string(43, 'a')));
  CHECK(is_too_costly("$7$6.....zzzzzsalt$" + std::string(43, 'a')) == false);  // r = 0
  CHECK(is_too_costly("$7$6zzzzz/....salt$" + std::string(43, 'a')));
  CHECK(is_too_costly("$7$z/..../....salt$" + std::string(43, 'a')));
  CHECK(is_too_costly("$sha1$500001$salt$" + std::string(28, 'a')));
  CHECK(is_too_costly("$md5,rounds=500001$salt$$" + std::string(22, 'a')));
  CHECK(is_too_costly("{CRYPT}_zzzzabcdj.LiMUHwKTw"));
}

TEST_CASE("malformed crypt(3) forms are refused") {
  for (const auto& bad : std::initializer_list<std::string>{
           "$6$",
           "$6$salt",
           "$6$salt$" + sha512_hash.substr(1),
           "$6$salt$" + sha512_hash + "a",
           "$6$salt$" + sha512_hash.substr(1) + "=",
           "$6$saltsaltsaltsalts$" + sha512_hash,
           "$6$sa:lt$" + sha512_hash,
           "$6$rounds=999$salt$" + sha512_hash,
           "$6$rounds=05000$salt$" + sha512_hash,
           "$6$rounds=$salt$" + sha512_hash,
           "$6$rounds=18446744073709552616$salt$" + sha512_hash,
           "$2b$03$" + bcrypt_rest,
           "$2b$99$" + bcrypt_rest,
           "$2b$4$" + bcrypt_rest,
           "$2b$04$" + bcrypt_rest + ".",
           "$2x$04$" + bcrypt_rest,
           "$2b$04$abcdefghijklmnopqrstuvY289rX8iag042G66M.bQj8.sCLcbI.O",
           "$1$saltsalts$scT1frMKxtEgJjwc4KYDA0",
           "$apr1$saltsalt$ReVjhZWBI8DuwS6lGwtKt/",
           "$7$",
           "$y$",
           "$md5",
           "$md5$salt$RfXjP.gR/uAvdrEqU12PE1",
           "$sha1$0$salt$zTQ3P7yw3mtU8n7SGWRagh5VJwi3",
           "$sha1$40$$zTQ3P7yw3mtU8n7SGWRagh5VJwi3",
           "{CRYPT}",
           "{CRYPT}_....",
           "{CRYPT}_....abcdj.LiMUHwKTw",
           "{CRYPT}abzp3RXJm5gN",
           "{CRYPT}abzp3RXJm5gNAA",
           "{CRYPT}$unknown$x",
       }) {
    CAPTURE(bad);
    CHECK(is_invalid(bad));
  }
}

TEST_CASE("malformed argon2 forms are refused") {
  for (std::string_view bad : {
           "$argon2id$",
           "$argon2d$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=16$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=19$m=7,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=19$m=64,t=3,p=0$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=19$m=64,t=3,p=1$c2FsdHM$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM",
           "$argon2id$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH",
           "$argon2id$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3r",
           "$argon2id$v=19$m=64,t=3,p=1$c2FsdHNhbHQ",
           "$argon2id$v=19$m=64,t=3,p=1$c2FsdHNhbHQ$ou/7hjPg5ZgH+4KitI/gqGO0Fass5trixS4BTnS3rIM$x",
       }) {
    CAPTURE(bad);
    CHECK(is_invalid(bad));
  }
}

TEST_CASE("digests must have the length of their scheme") {
  CHECK(reason("{SHA}eK62/3XDIVkNSA3LBPJ95yqrK9k=") == "");
  CHECK(is_invalid("{SSHA}eK62/3XDIVkNSA3LBPJ95yqrK9k="));
  CHECK(reason("{SHA}PHRvGnsKJft1H3/lEM7dX0vEnc8Bc2FsdP8=") ==
        "not a well-formed hash: it is longer than its digest; is the scheme a salted one?");
  CHECK(is_invalid("{SHA256}eK62/3XDIVkNSA3LBPJ95yqrK9k="));
  CHECK(is_invalid("{SHA}eK62/3XDIVkNSA3LBPJ95yqrK9k"));
  CHECK(is_invalid("{SHA.HEX}eK62/3XDIVkNSA3LBPJ95yqrK9k="));
  CHECK(is_invalid("{SHA.B64}78aeb6ff75c321590d480dcb04f27de72aab2bd9"));
  CHECK(is_invalid("{SHA}"));
}

TEST_CASE("the scheme must be known and be the hash's own") {
  CHECK(reason("{SHA512-CRYPT}$1$saltsalt$scT1frMKxtEgJjwc4KYDA0") ==
        "the hash is not of the kind that its scheme names");
  CHECK(is_invalid("{SHA512-CRYPT}abzp3RXJm5gNA"));
  CHECK(is_invalid("{ARGON2I}$argon2id$v=19$m=64,t=3,p=1" + argon2_rest));
  CHECK(is_invalid("{CRYPT}$argon2id$v=19$m=64,t=3,p=1" + argon2_rest));
  CHECK(reason("{NTLM}4a94dfb8de83343d728b689c4268c7e7") == "an unknown password scheme");
  CHECK(reason("{SHA.ROT13}x") == "an unknown encoding after the password scheme");
  CHECK(reason("{PLAIN.B64}eA==") == "only digest schemes take .B64 or .HEX");
  CHECK(reason("{SHA") == "not a well-formed hash: no } after the scheme");
  CHECK(reason("{CRYPT}!$6$salt$x") == "a locked account, not a hash: no password opens it");
  CHECK(is_invalid("{}x"));
  CHECK(is_invalid(""));
  CHECK(is_invalid("!"));
  CHECK(is_invalid("abzp3RXJm5gNA"));
  CHECK(is_invalid("{PLAIN}"));
  CHECK(is_invalid("{PLAIN}" + std::string(max_password + 1, 'x')));
  CHECK(is_invalid(std::string_view("{PLAIN}a\0b", 10)));
  CHECK(is_invalid("{SSHA}" + std::string(4096, 'A')));
}
