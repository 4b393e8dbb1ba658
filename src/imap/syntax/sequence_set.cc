#include "imap/syntax/sequence_set.h"

#include "base/cursor.h"

#include <algorithm>
#include <limits>
#include <optional>

namespace todoke::imap {
namespace {

std::optional<std::uint32_t> read_number(Cursor& in) {
  if (in.take('*')) return 0;
  auto value = ascii::to_number(in.take_while(ascii::is_digit));
  if (!value || *value == 0 || *value > std::numeric_limits<std::uint32_t>::max()) return {};
  return static_cast<std::uint32_t>(*value);
}

void write_range(std::string& out, std::uint32_t first, std::uint32_t last) {
  out += std::to_string(first);
  if (last != first) out += ":" + std::to_string(last);
}

}  // namespace

std::vector<SequenceSet::Range> SequenceSet::resolve(std::uint32_t largest) const {
  std::vector<Range> sorted;
  sorted.reserve(ranges.size());
  for (auto range : ranges) {
    if (largest == 0 && (range.first == 0 || range.last == 0)) continue;
    if (range.first == 0) range.first = largest;
    if (range.last == 0) range.last = largest;
    sorted.push_back({std::min(range.first, range.last), std::max(range.first, range.last)});
  }
  std::ranges::sort(sorted, {}, &Range::first);
  std::size_t kept = 0;
  for (const auto& range : sorted) {
    // In 64 bits: nothing comes after the largest number.
    if (kept > 0 && range.first <= std::uint64_t{sorted[kept - 1].last} + 1)
      sorted[kept - 1].last = std::max(sorted[kept - 1].last, range.last);
    else
      sorted[kept++] = range;
  }
  sorted.resize(kept);
  return sorted;
}

Result<SequenceSet> parse_sequence_set(std::string_view text) {
  auto wrong = [] { return fail(Errc::invalid, "bad set of numbers, it is like 1,3:5,9:*"); };
  SequenceSet set;
  if (text == "$") {
    set.saved_result = true;
    return set;
  }
  set.ranges.reserve(static_cast<std::size_t>(std::ranges::count(text, ',')) + 1);
  Cursor in(text);
  do {
    auto first = read_number(in);
    if (!first) return wrong();
    auto last = in.take(':') ? read_number(in) : first;
    if (!last) return wrong();
    set.ranges.push_back({*first, *last});
  } while (in.take(','));
  if (!in.at_end()) return wrong();
  return set;
}

void write_set(std::string& out, std::span<const std::uint32_t> sorted) {
  for (std::size_t i = 0; i < sorted.size();) {
    auto end = i + 1;
    while (end < sorted.size() && sorted[end] == sorted[end - 1] + 1) ++end;
    if (i > 0) out += ',';
    write_range(out, sorted[i], sorted[end - 1]);
    i = end;
  }
}

bool contains(std::span<const SequenceSet::Range> ranges, std::uint64_t number) {
  auto after = std::ranges::upper_bound(ranges, number, {}, &SequenceSet::Range::first);
  return after != ranges.begin() && number <= std::prev(after)->last;
}

}  // namespace todoke::imap
