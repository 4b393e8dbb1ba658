#include "base/assert.h"
#include "base/log.h"
#include "blob/segment_log.h"

#include <algorithm>
#include <thread>

namespace todoke::blob {

std::uint64_t SegmentLog::compact(const Live& live, const Moved& moved) {
  remove_compacted();
  // The deadest first; one that cannot go now (see compact_segment) gives way to the next.
  for (const auto& candidate : candidates())
    if (auto freed = compact_segment(candidate, live, moved); freed > 0) return freed;
  return 0;
}

std::vector<SegmentLog::Candidate> SegmentLog::candidates() const {
  std::lock_guard lock(mutex_);
  std::vector<Candidate> found;
  if (!live_known_ || lost_) return found;
  for (const auto& [number, segment] : segments_) {
    const bool open = (tail_ && tail_->number == number) || writing_.contains(number);
    if (open || segment.compacted || segment.broken) continue;
    if (segment.live * 2 < static_cast<std::int64_t>(segment.bytes))
      found.push_back({number, segment.bytes, segment.live});
  }
  // live/bytes, compared without dividing; both are far below 2^53.
  std::ranges::sort(found, {}, [](const Candidate& c) {
    return static_cast<double>(c.live) / static_cast<double>(std::max<std::uint64_t>(1, c.bytes));
  });
  return found;
}

std::uint64_t SegmentLog::compact_segment(const Candidate& candidate, const Live& live,
                                          const Moved& moved) {
  const auto number = candidate.number;
  auto kind = Kind::log;
  {
    std::lock_guard lock(mutex_);
    auto& segment = segments_[number];
    kind = segment.kind;
    segment.released.emplace();
  }
  auto leave = [&](bool broken) {
    std::lock_guard lock(mutex_);
    segments_[number].released.reset();
    segments_[number].broken = broken;
    return std::uint64_t{0};
  };
  const auto wanted = live(number);
  std::uint64_t named = 0;
  for (const auto& at : wanted) {
    TODOKE_ASSERT(at.segment == number);
    named += at.stored;
  }
  // We count more alive than the owner refers to: a blob whose reference is not committed yet.  It
  // must not go, so this segment waits.  (We counted before we asked; see candidates().)
  if (static_cast<std::int64_t>(named) < candidate.live) return leave(false);
  // One large record, alive: copying it would gain nothing.
  if (kind == Kind::blob && !wanted.empty()) return leave(false);

  Pairs pairs;
  auto copied = copy(wanted, pairs);
  if (!copied) {
    for (const auto& [from, to] : pairs) release(to);
    log::error("blob.compaction_stopped", {{"segment", number}, {"reason", copied.error().text}});
    return leave(copied.error().code == Errc::corrupt);
  }
  try {
    if (!pairs.empty()) sync();
    redirect(number, pairs);
    if (!pairs.empty()) moved(pairs);
  } catch (...) {
    // Whether the owner refers to the copies is unknown, so both stay.
    std::lock_guard lock(mutex_);
    segments_[number].moved.clear();
    segments_[number].released.reset();
    throw;
  }
  std::lock_guard lock(mutex_);
  auto& segment = segments_[number];
  segment.released.reset();
  segment.compacted = clock_.steady();
  return candidate.bytes - std::min(candidate.bytes, named);
}

// The bytes go over as they are, verified; only the header is tied to the new place.
Result<void> SegmentLog::copy(const std::vector<Location>& wanted, Pairs& pairs) {
  for (const auto& at : wanted) {
    TRY(auto file, file_of(at.segment));
    Rendered record;
    TRY(record.bytes, read_record(*file, at));
    TRY(record.header, parse_header(record.bytes, {at.segment, at.offset}));
    TRY(auto to, append(record));
    pairs.emplace_back(at, to);
    if (options_.compaction_rate == 0) continue;
    const std::chrono::microseconds due(at.stored * 1'000'000 / options_.compaction_rate);
    if (options_.pause)
      options_.pause(due);
    else
      std::this_thread::sleep_for(due);
  }
  return {};
}

// From here on a release by the old place means the copy.  What was released meanwhile needs no
// copy any more.
void SegmentLog::redirect(std::uint64_t number, Pairs& pairs) {
  std::lock_guard lock(mutex_);
  auto& segment = segments_[number];
  std::erase_if(pairs, [&](const auto& pair) {
    const auto& [from, to] = pair;
    if (!segment.released->contains(from.offset)) {
      segment.moved.emplace(from.offset, to);
      return false;
    }
    if (auto target = segments_.find(to.segment); target != segments_.end())
      target->second.live -= static_cast<std::int64_t>(to.stored);
    return true;
  });
}

// The highest number stays, whatever it holds, so that no number is ever used twice.
void SegmentLog::remove_compacted() {
  std::vector<std::pair<std::uint64_t, Kind>> due;
  {
    std::lock_guard lock(mutex_);
    const auto now = clock_.steady();
    for (const auto& [number, segment] : segments_)
      if (segment.compacted && now - *segment.compacted >= options_.keep_compacted &&
          number != segments_.rbegin()->first)
        due.emplace_back(number, segment.kind);
  }
  for (auto [number, kind] : due) {
    auto removed = files_.remove(path(number, kind));
    if (!removed && removed.error().code != Errc::not_found) {
      log::warn("blob.segment_not_removed",
                {{"segment", number}, {"reason", removed.error().text}});
      continue;
    }
    {
      std::lock_guard lock(mutex_);
      segments_.erase(number);
      dirty_.erase(number);
    }
    cache_.forget(number);
  }
}

}  // namespace todoke::blob
