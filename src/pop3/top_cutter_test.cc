#include "pop3/top_cutter.h"

#include <doctest/doctest.h>

#include <string>

using namespace todoke;

namespace {

// Fed in pieces of `size` bytes.
std::string top(std::string_view message, std::uint32_t lines, std::size_t size) {
  pop3::TopCutter cutter(lines);
  std::string out;
  while (!message.empty() && !cutter.done()) {
    out += cutter.take(message.substr(0, size));
    message.remove_prefix(std::min(size, message.size()));
  }
  CHECK(cutter.take("").empty());
  return out;
}

}  // namespace

TEST_CASE("RFC 1939 §7: TOP has the header, the empty line and so many lines, in any chunking") {
  constexpr std::string_view message = "A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\nfour";
  for (std::size_t size = 1; size <= message.size(); ++size) {
    CHECK(top(message, 0, size) == "A: 1\r\nB: 2\r\n\r\n");
    CHECK(top(message, 1, size) == "A: 1\r\nB: 2\r\n\r\none\r\n");
    CHECK(top(message, 2, size) == "A: 1\r\nB: 2\r\n\r\none\r\n\r\n");
    CHECK(top(message, 4, size) == message);
    CHECK(top(message, 4'000'000'000, size) == message);
  }
}

TEST_CASE("broken messages have a top too") {
  for (std::size_t size = 1; size <= 8; ++size) {
    CHECK(top("A: 1\n\nbody\nmore\n", 1, size) == "A: 1\n\nbody\n");
    CHECK(top("A: 1\r\nno end of the header", 0, size) == "A: 1\r\nno end of the header");
    CHECK(top("\r\nbody", 0, size) == "\r\n");
    // A CR in the middle of nothing is not an empty line.
    CHECK(top("A: 1\r\nx\r\r\n\r\nbody\r\n", 0, size) == "A: 1\r\nx\r\r\n\r\n");
    CHECK(top("A: 1\r\n\r\r\n\r\nbody\r\n", 0, size) == "A: 1\r\n\r\r\n\r\n");
    CHECK(top("", 3, size).empty());
  }
}
