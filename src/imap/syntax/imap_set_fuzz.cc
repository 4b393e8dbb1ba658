#include "base/assert.h"
#include "imap/syntax/sequence_set.h"

#include <cstdint>
#include <limits>

using namespace todoke::imap;

// Resolved ranges are sorted and apart; numbers that are written are read back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto set = parse_sequence_set(text);
  if (!set) return 0;
  for (std::uint32_t largest : {0U, 1U, 1000U, std::numeric_limits<std::uint32_t>::max()}) {
    auto ranges = set->resolve(largest);
    std::uint64_t next = 1;
    std::vector<std::uint32_t> ends;
    for (const auto& range : ranges) {
      TODOKE_ASSERT(range.first >= next && range.first <= range.last);
      next = std::uint64_t{range.last} + 2;
      ends.push_back(range.first);
      if (range.last != range.first) ends.push_back(range.last);
    }
    if (ends.empty()) continue;
    std::string written;
    write_set(written, ends);
    auto again = parse_sequence_set(written);
    TODOKE_ASSERT(again.has_value());
    std::uint64_t count = 0;
    for (const auto& range : again->resolve(1))
      count += std::uint64_t{range.last} - range.first + 1;
    TODOKE_ASSERT(count == ends.size());
  }
  return 0;
}
