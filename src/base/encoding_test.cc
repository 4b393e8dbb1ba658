#include "base/encoding.h"

#include <doctest/doctest.h>

using namespace todoke;

TEST_CASE("RFC 4648 §10 test vectors") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (auto [plain, encoded] : vectors) {
    CHECK(base64_encode(plain) == encoded);
    CHECK(base64_decode(encoded) == plain);
  }
}

TEST_CASE("RFC 4648 §10 test vectors of base32, in our form of it") {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "my"},
                                                         {"fo", "mzxq"},
                                                         {"foo", "mzxw6"},
                                                         {"foob", "mzxw6yq"},
                                                         {"fooba", "mzxw6ytb"},
                                                         {"foobar", "mzxw6ytboi"}};
  for (auto [plain, encoded] : vectors) {
    CHECK(base32_encode(plain) == encoded);
    CHECK(base32_decode(encoded) == plain);
  }
  CHECK(base32_decode("MZXW6yTb") == "fooba");
  for (auto bad : {"m", "mz", "mzx", "mzxw6y", "my======", "m1", "m8", "m y", "mzxw6yr", "mn"})
    CHECK_FALSE(base32_decode(bad).has_value());
}

TEST_CASE("base64 refuses what is not exactly base64") {
  for (auto bad : {"Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm 9v", "Zm9v\r\n", "Zg==Zg=="})
    CHECK_FALSE(base64_decode(bad).has_value());
}

TEST_CASE("hex") {
  CHECK(hex_encode(std::string_view("\0\xff\x1a", 3)) == "00ff1a");
  CHECK(hex_decode("00Ff1a") == std::string("\0\xff\x1a", 3));
  CHECK_FALSE(hex_decode("0").has_value());
  CHECK_FALSE(hex_decode("0g").has_value());
}
