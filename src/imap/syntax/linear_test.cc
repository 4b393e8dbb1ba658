#include "imap/syntax/command.h"
#include "imap/syntax/mailbox_name.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <functional>

using namespace todoke;
using namespace todoke::imap;

namespace {

std::string repeat(std::string_view unit, std::size_t times) {
  std::string out;
  out.reserve(unit.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += unit;
  return out;
}

double processor_seconds(const std::function<void()>& work) {
  auto begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// Eight times the text takes at most about eight times as long.
void check_linear(std::string_view prefix, std::string_view unit, std::string_view suffix = "") {
  CAPTURE(prefix);
  CAPTURE(unit);
  constexpr std::size_t growth = 8;
  auto text = [&](std::size_t bytes) {
    return std::string(prefix) + repeat(unit, bytes / unit.size()) + std::string(suffix);
  };
  auto small = text(12'000);
  auto large = text(12'000 * growth);
  constexpr double noise = 0.002;
  // A busy machine may disturb one measurement, not three in a row.
  double one = 0, many = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    one = processor_seconds([&] { (void)parse_command(small); });
    many = processor_seconds([&] { (void)parse_command(large); });
    if (many < (one + noise) * growth * 3) break;
  }
  CHECK(many < (one + noise) * growth * 3);
}

}  // namespace

TEST_CASE("linear time: sets of numbers") {
  check_linear("a FETCH ", "1,", "1 FLAGS");
  check_linear("a FETCH ", "4294967295:1,", "* FLAGS");
  check_linear("a UID SEARCH UID ", "7:*,", "1");
}

TEST_CASE("linear time: parentheses, NOT, OR, strings") {
  for (std::string_view unit : {"(", "NOT ", "OR ", "NOT (", "OR (", "SEEN ", "(SEEN) ", "1:* ",
                                "SUBJECT \"a\" ", "BODY {1}\r\na ", "KEYWORD a ", "\"", "\\\""})
    check_linear("a SEARCH ", unit);
  for (std::string_view unit :
       {"(", "FLAGS ", "BODY[] ", "BODY[1.2.3.4] ", "BODY[HEADER.FIELDS (A B)] "})
    check_linear("a FETCH 1 (", unit);
  check_linear("a FETCH 1 BODY[", "1.", "1]");
  check_linear("a FETCH 1 BODY[HEADER.FIELDS (", "a ", "a)]");
  check_linear("a STORE 1 FLAGS (", "a ", "a)");
  check_linear("a LIST \"\" (", "a ", "a)");
  check_linear("a LOGIN \"", "\\\\", "\" b");
  check_linear("a LOGIN ", "{", "");
  check_linear("a ID (", "\"a\" NIL ", ")");
  check_linear("a ENABLE ", "A ");
  check_linear("a", "a");
  check_linear("a NOOP", " ");
}

// Sets are the one thing of which a command may hold many; sorting them is n log n.
TEST_CASE("near linear time: resolving a long set") {
  std::string text = "1";
  for (std::uint32_t i = 0; i < 200'000; ++i)
    text += "," + std::to_string(1 + i * 7919 % 1'000'003);
  auto set = parse_sequence_set(text);
  REQUIRE(set.has_value());
  CHECK(processor_seconds([&] { CHECK_FALSE(set->resolve(9).empty()); }) < 2);
}

TEST_CASE("patterns that could backtrack do not") {
  auto name = repeat("ab", 500);
  auto pattern = repeat("%*", 2000) + "c";
  CHECK(processor_seconds([&] { CHECK_FALSE(matches_pattern(name, pattern)); }) < 0.5);
  pattern = repeat("%a*b", 250) + "c";
  CHECK(processor_seconds([&] { CHECK_FALSE(matches_pattern(name, pattern)); }) < 0.5);
  pattern = repeat("*a", 400) + "*";
  CHECK(processor_seconds([&] { CHECK(matches_pattern(name, pattern)); }) < 0.5);
}
