#include "provider/pattern.h"

#include <doctest/doctest.h>

using namespace todoke;
using provider::Pattern;

namespace {
bool matches(std::string_view pattern, std::string_view text) {
  auto parsed = Pattern::parse(pattern);
  REQUIRE(parsed);
  return parsed->matches(text);
}
}  // namespace

TEST_CASE("a pattern is found anywhere and in any case") {
  CHECK(matches("User Unknown", "x: user unknown here"));
  CHECK_FALSE(matches("user unknown", "user  unknown"));
}

TEST_CASE("stars and anchors") {
  CHECK(matches("doesn't have a * account", "this user doesn't have a yahoo.com account (@)"));
  CHECK_FALSE(matches("have * account", "account that we have"));
  CHECK(matches("^: user", ": user unknown"));
  CHECK_FALSE(matches("^: user", "@: user unknown"));
  CHECK(matches("unknown$", "user unknown"));
  CHECK_FALSE(matches("unknown$", "unknown user"));
  CHECK(matches("^user unknown$", "user unknown"));
  CHECK_FALSE(matches("^user unknown$", "user unknown."));
  CHECK(matches("^ab*ba$", "abba"));
  CHECK_FALSE(matches("^aba*ba$", "abba"));
  CHECK(matches("a*b*c", "xxaxxbxxcxx"));
  CHECK_FALSE(matches("a*b*c", "xxaxxcxxbxx"));
}

TEST_CASE("patterns that say nothing or too much are refused") {
  for (const auto* bad : {"", "^", "$", "*", "a**b", "a*", "*a", "a*b*c*d*e*f*g"}) {
    CAPTURE(bad);
    CHECK_FALSE(Pattern::parse(bad));
  }
  CHECK_FALSE(Pattern::parse(std::string(Pattern::max_bytes + 1, 'a')));
}
