#include "base/ids.h"

#include <doctest/doctest.h>

#include <limits>

using namespace todoke;

TEST_CASE("an id and its text are the same thing") {
  for (std::int64_t id : {std::int64_t{0}, std::int64_t{1}, std::int64_t{31}, std::int64_t{32},
                          std::int64_t{62'415'987'654'321'098}, std::int64_t{1} << 58,
                          std::numeric_limits<std::int64_t>::max()}) {
    CHECK(id_text(id).size() == 13);
    CHECK(parse_id(id_text(id)) == id);
  }
  CHECK(id_text(32) == "0000000000010");
  CHECK(id_text(std::numeric_limits<std::int64_t>::max()) == "7zzzzzzzzzzzz");
}

TEST_CASE("ids as people type them") {
  CHECK(parse_id("000000000OIL0") == parse_id("0000000000110"));
  CHECK(parse_id("7ZZZZZZZZZZZZ") == std::numeric_limits<std::int64_t>::max());
  for (std::string_view bad : {"", "1", "000000000000", "00000000000000", "000000000000u",
                               "000000000000-", "8000000000000", "zzzzzzzzzzzzz"})
    CHECK_FALSE(parse_id(bad).has_value());
}

TEST_CASE("ids grow, also while the clock stands still or was set back") {
  SimulatedClock clock(Time(std::chrono::days(20'500)));
  IdGenerator ids(clock);
  auto first = ids.next();
  auto second = ids.next();
  CHECK(first < second);
  ids.skip_past(second + 1000);
  CHECK(ids.next() == second + 1001);
  clock.advance(std::chrono::seconds(1));
  CHECK(ids.next() > second + 2000);
}
