#include "base/log.h"
#include "blob/segment_log.h"

#include <algorithm>

namespace todoke::blob {
namespace {

// A power loss leaves at most a few groups of records torn.  More than this of what is no record,
// and we leave the file as it is and begin another.
constexpr std::uint64_t max_torn_tail = 16 << 20;

constexpr std::uint64_t verify_step = 1 << 20;

Location location(std::uint64_t segment, const Found& found) {
  return {segment, found.offset, found.header.stored, found.header.size};
}

}  // namespace

Result<> SegmentLog::start() {
  TRY_OK(files_.make_folder(folder_));
  TRY(auto entries, files_.list(folder_));
  std::uint64_t last_log = 0;
  for (const auto& entry : entries) {
    auto named = parse_segment_name(entry.name);
    if (!named) continue;
    next_number_ = std::max(next_number_, named->number + 1);
    if (named->kind == Kind::part) {
      TRY_OK(files_.remove(folder_ + "/" + entry.name));
      continue;
    }
    auto& segment = segments_[named->number];
    segment.kind = named->kind;
    segment.bytes = entry.size;
    if (named->kind == Kind::log) last_log = std::max(last_log, named->number);
  }
  // If only the program died, names that it made may still not be durable.
  names_dirty_ = true;
  if (last_log != 0) {
    TRY_OK(adopt_tail(last_log, segments_[last_log].bytes));
  }
  found_.next_segment = next_number_;
  if (tail_) {
    found_.tail = tail_->number;
    found_.tail_end = tail_->end;
  }
  return {};
}

// Goes on with the last log where its last whole record ends.  All that was synced stands before
// that end; what stands behind it was being written when the power went.  If that is in doubt the
// file is left alone: a new one costs nothing.
Result<> SegmentLog::adopt_tail(std::uint64_t number, std::uint64_t size) {
  TRY(auto file, files_.open(path(number, Kind::log), Access::read_write));
  std::string head(segment_header_size, '\0');
  TRY(auto n, file->pread(head, 0));
  auto header = parse_segment_header(std::string_view(head).substr(0, n));
  if (!header || header->number != number) {
    log::warn("blob.segment_unreadable", {{"segment", number}});
    return {};
  }
  TRY(auto tail, find_tail(*file, *header, size, max_torn_tail));
  if (!tail.certain) {
    log::warn("blob.torn_segment", {{"segment", number}, {"bytes", size}});
    return {};
  }
  segments_[number].bytes = tail.end;
  if (tail.end >= options_.segment_bytes) return {};
  // Cut off, so that what is reserved from here on reads as zeros.
  if (size > tail.end) {
    TRY_OK(file->truncate(tail.end));
  }
  tail_ = Tail{number, header->mark, std::move(file), tail.end, tail.end};
  return {};
}

void SegmentLog::verify(const std::function<void(const Problem&)>& bad,
                        const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  struct Part {
    std::uint64_t number;
    Kind kind;
    std::uint64_t end;
  };
  std::vector<Part> parts;
  std::uint64_t total = 0;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, segment] : segments_) {
      // Records that are being written now look torn, so we stop before them.
      auto end = segment.bytes;
      if (auto claims = writing_.find(number); claims != writing_.end())
        end = std::min(end, *claims->second.begin());
      if (segment.compacted) continue;
      parts.push_back({number, segment.kind, end});
      total += end;
    }
  }
  std::uint64_t done = 0;
  for (const auto& part : parts) {
    auto passed = [&](std::uint64_t offset) { progress(done + offset, total); };
    verify_segment(part.number, part.kind, part.end, bad, passed);
    done += part.end;
    progress(done, total);
  }
}

// Goes from record to record.  Where none stands, on to the next one that can be found; the gap is
// told as one problem, for a record may be lost in it.
void SegmentLog::verify_segment(std::uint64_t number, Kind kind, std::uint64_t end,
                                const std::function<void(const Problem&)>& bad,
                                const std::function<void(std::uint64_t)>& passed) {
  auto whole = [&](std::string text) {
    std::lock_guard lock(mutex_);
    auto found = segments_.find(number);
    // Compacted while we were at it: its records have been verified by copying.
    if (found == segments_.end() || found->second.compacted) return;
    bad({{number, 0, end, 0}, std::move(text)});
  };
  auto file = file_of(number);
  if (!file) return whole(file.error().text);
  std::string head(segment_header_size, '\0');
  auto n = (*file)->pread(head, 0);
  if (!n) return whole(n.error().text);
  auto header = parse_segment_header(std::string_view(head).substr(0, *n));
  if (!header) return whole(header.error().text);
  if (header->number != number) return whole("the segment has another's number");

  auto at = segment_header_size + std::uint64_t{0};
  while (at < end) {
    auto next = find_next(**file, *header, at, end);
    if (!next) return whole(next.error().text);
    const auto gap_end = *next ? (*next)->offset : end;
    // The room for a prefix in front of a large record is no loss.
    const bool room = kind == Kind::blob && at == segment_header_size && *next;
    if (gap_end > at && !room) bad({{number, at, gap_end - at, 0}, "no record stands here"});
    if (!*next) return;
    const auto place = location(number, **next);
    std::string scratch;
    for (std::uint64_t offset = 0; offset < std::max<std::uint64_t>(1, place.size);
         offset += verify_step) {
      scratch.clear();
      auto read = read_range(**file, place, offset, verify_step, Wait::allowed, scratch);
      if (!read) {
        bad({place, read.error().text});
        break;
      }
      passed(std::min(end, place.offset + offset));
    }
    at = place.offset + std::min(place.stored, end - place.offset);
  }
}

}  // namespace todoke::blob
