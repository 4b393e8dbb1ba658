#include "trust/envelope_token.h"

#include "base/ascii.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

using namespace todoke;
using namespace todoke::trust;

TEST_CASE("envelope token: what was made is opened, in any case") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto last = std::numeric_limits<std::int32_t>::max();
  std::set<std::string> all;
  for (std::int64_t id : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1} << 40, most, -most})
    for (std::int32_t number : {0, 1, 9999, last, -1}) {
      const EnvelopeToken token{id, number};
      const auto text = make_envelope_token("key", token);
      CHECK(text.size() == envelope_token_length);
      CHECK(std::ranges::all_of(text, ascii::is_alnum));
      CHECK(open_envelope_token("key", text) == token);
      CHECK(open_envelope_token("key", ascii::to_upper(text)) == token);
      CHECK(!open_envelope_token("other key", text));
      CHECK(all.insert(text).second);
    }
}

// Tokens stand in mail that comes back after a restart with a newer program.
TEST_CASE("envelope token: the form stays") {
  const auto text = make_envelope_token(std::string(32, 'k'), {1234567890123, 42});
  CHECK(text == "aaaach3r7mcmwaaaaavj2au3253wo223limj23ds");
}

TEST_CASE("envelope token: nothing else is opened") {
  const auto text = make_envelope_token("key", {1'000'000, 3});
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto other = text;
    other[i] = other[i] == 'a' ? 'b' : 'a';
    CAPTURE(i);
    CHECK(!open_envelope_token("key", other));
    other[i] = '=';
    CHECK(!open_envelope_token("key", other));
    CHECK(!open_envelope_token("key", text.substr(0, i)));
  }
  CHECK(!open_envelope_token("key", text + "a"));
  CHECK(!open_envelope_token("key", ""));
}
