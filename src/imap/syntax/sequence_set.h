#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::imap {

// A set of message numbers or UIDs as a client writes it.  RFC 9051 §9 "sequence-set".
struct SequenceSet {
  struct Range {
    std::uint32_t first;  // 0 is "*", the largest number in use
    std::uint32_t last;   // as written: may be smaller than `first`
    friend bool operator==(const Range&, const Range&) = default;
  };
  std::vector<Range> ranges;
  // "$": the result of the last SEARCH RETURN (SAVE), RFC 9051 §6.4.4.1; then there are no ranges.
  bool saved_result = false;

  // The ranges with "*" replaced by `largest`, each with first <= last, sorted, joined where they
  // overlap or adjoin.  RFC 9051 §9: "3:*" holds the largest number even if that is below 3.  Where
  // there is no largest (0), a range with "*" holds nothing.
  std::vector<Range> resolve(std::uint32_t largest) const;

  friend bool operator==(const SequenceSet&, const SequenceSet&) = default;
};

// Whether a number is in ranges that are as resolve() leaves them.
bool contains(std::span<const SequenceSet::Range> ranges, std::uint64_t number);

// The whole of `text`, or Errc::invalid.
Result<SequenceSet> parse_sequence_set(std::string_view text);

// Appends sorted distinct numbers in the shortest form: "1:3,7".  RFC 4315 §3 and RFC 4731 use it.
void write_set(std::string& out, std::span<const std::uint32_t> sorted);

}  // namespace todoke::imap
