#include "base/ascii.h"

#include <doctest/doctest.h>

using namespace todoke;

TEST_CASE("keywords of up to eight letters are numbers, all different") {
  static_assert(ascii::keyword("STARTTLS") == ascii::keyword("startTLS"));
  static_assert(ascii::keyword("DATA") != ascii::keyword("DAT"));
  for (auto other : {"", "AUTHENTICATE", "DATA ", "DA-TA", "d\xC3\xA4"})
    CHECK(ascii::keyword(other) == 0);
  CHECK(ascii::keyword(std::string_view("\0A", 2)) == 0);
}
