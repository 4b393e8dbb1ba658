#include "imap/server/selected.h"

#include <algorithm>

namespace todoke::imap {
namespace {

// Adds [begin, end) to ranges that are sorted by their beginning.
void add(std::vector<IndexRange>& ranges, std::size_t begin, std::size_t end) {
  if (begin >= end) return;
  if (!ranges.empty() && begin <= ranges.back().end)
    ranges.back().end = std::max(ranges.back().end, end);
  else
    ranges.push_back({begin, end});
}

}  // namespace

Result<std::vector<IndexRange>> Selected::messages(const SequenceSet& set, Numbers numbers) const {
  std::vector<IndexRange> found;
  if (set.saved_result) {
    for (auto uid : saved_result)
      if (auto index = seen->find(uid)) add(found, *index, *index + 1);
    return found;
  }
  if (numbers == Numbers::uid) {
    for (const auto& range : set.resolve(seen->largest_uid()))
      add(found, seen->lower_bound(range.first),
          range.last == UINT32_MAX ? seen->size() : seen->lower_bound(range.last + 1));
    return found;
  }
  const auto size = seen->size();
  for (const auto& range : set.ranges)
    if (range.first > size || range.last > size)
      return fail(Errc::invalid, "There is no message of that number");
  // "*" in an empty mailbox means nobody.
  if (size == 0) return found;
  for (const auto& range : set.resolve(static_cast<std::uint32_t>(size)))
    add(found, range.first - 1, range.last);
  return found;
}

std::vector<store::UidRange> Selected::uid_ranges(const std::vector<IndexRange>& messages) const {
  std::vector<store::UidRange> ranges;
  ranges.reserve(messages.size());
  for (const auto& range : messages)
    ranges.push_back({(*seen)[range.begin]->uid, (*seen)[range.end - 1]->uid});
  return ranges;
}

std::size_t count_of(const std::vector<IndexRange>& ranges) {
  std::size_t count = 0;
  for (const auto& range : ranges) count += range.end - range.begin;
  return count;
}

}  // namespace todoke::imap
