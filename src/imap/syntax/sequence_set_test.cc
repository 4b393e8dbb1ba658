#include "imap/syntax/sequence_set.h"

#include <doctest/doctest.h>

#include <limits>

using namespace todoke;
using namespace todoke::imap;

namespace {

using Ranges = std::vector<SequenceSet::Range>;

SequenceSet parse(std::string_view text) {
  CAPTURE(text);
  auto set = parse_sequence_set(text);
  REQUIRE(set.has_value());
  return *std::move(set);
}

std::string written(std::vector<std::uint32_t> numbers) {
  std::string out;
  write_set(out, numbers);
  return out;
}

constexpr auto most = std::numeric_limits<std::uint32_t>::max();

}  // namespace

TEST_CASE("RFC 9051 §9: sets as written") {
  CHECK(parse("1").ranges == Ranges{{1, 1}});
  CHECK(parse("*").ranges == Ranges{{0, 0}});
  CHECK(parse("2,4:7,9,12:*").ranges == Ranges{{2, 2}, {4, 7}, {9, 9}, {12, 0}});
  CHECK(parse("*:4,5:7").ranges == Ranges{{0, 4}, {5, 7}});
  CHECK(parse("4294967295").ranges == Ranges{{most, most}});
  CHECK(parse("$").saved_result);
  CHECK(parse("$").ranges.empty());
  for (std::string_view bad : {"", "0", "1,", ",1", "1,,2", "1:", ":1", "1:2:3", "a", "1 ", "$,1",
                               "1,$", "4294967296", "-1", "1-2", "+1", "**", "1*", "$$"}) {
    CAPTURE(bad);
    auto set = parse_sequence_set(bad);
    REQUIRE_FALSE(set.has_value());
    CHECK(set.error().code == Errc::invalid);
  }
}

TEST_CASE("RFC 9051 §9: what a set means") {
  CHECK(parse("2,4:7,9,12:*").resolve(15) == Ranges{{2, 2}, {4, 7}, {9, 9}, {12, 15}});
  CHECK(parse("*:4,5:7").resolve(10) == Ranges{{4, 10}});
  CHECK(parse("3:*").resolve(2) == Ranges{{2, 3}});
  CHECK(parse("*").resolve(7) == Ranges{{7, 7}});
  CHECK(parse("7:5,6:9,1,2").resolve(9) == Ranges{{1, 2}, {5, 9}});
  CHECK(parse("1:10,2:3,4").resolve(9) == Ranges{{1, 10}});
  CHECK(parse("4294967295,1:4294967295").resolve(9) == Ranges{{1, most}});
  // Nothing is the largest of an empty mailbox.
  CHECK(parse("*,3:*,4").resolve(0) == Ranges{{4, 4}});
  CHECK(parse("$").resolve(9).empty());
}

TEST_CASE("sets are written in the shortest form") {
  CHECK(written({}).empty());
  CHECK(written({5}) == "5");
  CHECK(written({1, 2, 3, 7}) == "1:3,7");
  CHECK(written({1, 3, 5, 6}) == "1,3,5:6");
  CHECK(written({most - 1, most}) == "4294967294:4294967295");
}
