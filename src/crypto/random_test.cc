#include "crypto/random.h"

#include "base/ascii.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string_view>

using namespace todoke;
using namespace todoke::crypto;

TEST_CASE("random bytes are as many as asked and differ") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(33).size() == 33);
  CHECK(random_bytes(16) != random_bytes(16));
}

TEST_CASE("a token may stand in a URL") {
  std::set<std::string> seen;
  for (std::size_t bytes : {16, 17, 18}) {
    for (int i = 0; i < 50; ++i) {
      auto token = random_token(bytes);
      CHECK(token.size() == (bytes * 8 + 5) / 6);
      CHECK(std::ranges::all_of(token,
                                [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; }));
      CHECK(seen.insert(token).second);
    }
  }
}

TEST_CASE("a password for people has three groups and no look-alikes") {
  std::set<std::string> seen;
  std::set<char> letters;
  for (int i = 0; i < 200; ++i) {
    auto password = random_password();
    REQUIRE(password.size() == 20);
    CHECK(password[6] == '-');
    CHECK(password[13] == '-');
    CHECK(password.find_first_of("01bgiloqsuvz") == std::string::npos);
    CHECK(password == ascii::to_lower(password));
    CHECK(seen.insert(password).second);
    letters.insert(password.begin(), password.end());
  }
  CHECK(letters.size() == 25);  // all 24 and the hyphen: none missing in 3600 draws
}
