#include "base/assert.h"
#include "blob/segment_log.h"

#include <algorithm>

namespace todoke::blob {
namespace {

// Encoded bytes of a large blob that wait for one write.
constexpr std::size_t write_size = 256 * 1024;

class SegmentWriter final : public Writer {
 public:
  explicit SegmentWriter(SegmentLog& log) : log_(log) {}
  ~SegmentWriter() override {
    if (part_) log_.drop_part(*part_);
    log_.hold_memory(-held_);
  }
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  Result<> append(std::string_view bytes) override {
    TODOKE_ASSERT(!ended_);
    if (failure_) return std::unexpected(*failure_);
    auto done = take(bytes);
    if (!done) failure_ = done.error();
    count_memory();
    return done;
  }

  std::uint64_t size() const override { return size_; }

  Result<Location> finish(std::string_view prefix) override {
    TODOKE_ASSERT(!ended_);
    if (failure_) return std::unexpected(*failure_);
    if (prefix.size() > max_prefix)
      return fail(Errc::invalid, "more than 16 KiB to put before the blob");
    ended_ = true;
    return part_ ? finish_large(prefix) : finish_small(prefix);
  }

 private:
  Result<> take(std::string_view bytes) {
    if (bytes.size() > max_blob - max_prefix - size_)
      return fail(Errc::over_limit, "the blob is larger than the store takes");
    size_ += bytes.size();
    if (!part_ && size_ <= max_small_blob) {
      raw_.append(bytes);
      return {};
    }
    if (!part_) {
      TRY(part_, log_.create_part());
      const auto gathered = std::exchange(raw_, {});
      TRY_OK(stream(gathered));
    }
    return stream(bytes);
  }

  // Whole chunks go from `bytes` straight into the encoded buffer; only a rest is kept raw.
  Result<> stream(std::string_view bytes) {
    while (raw_.size() + bytes.size() >= chunk_size) {
      if (raw_.empty()) {
        encode(bytes.substr(0, chunk_size));
        bytes.remove_prefix(chunk_size);
      } else {
        const auto missing = chunk_size - raw_.size();
        raw_.append(bytes.substr(0, missing));
        bytes.remove_prefix(missing);
        encode(raw_);
        raw_.clear();
      }
      if (encoded_.size() >= write_size) {
        TRY_OK(write_encoded());
      }
    }
    raw_.append(bytes);
    return {};
  }

  void encode(std::string_view raw) {
    chunks_.push_back(store_chunk(raw, log_.options().compression, encoded_));
    count_memory();
  }

  Result<> write_encoded() {
    while (end_ + encoded_.size() > reserved_) {
      TRY_OK(part_->file->allocate(reserved_, log_.options().step));
      reserved_ += log_.options().step;
    }
    TRY_OK(part_->file->pwrite(encoded_, end_));
    end_ += encoded_.size();
    encoded_.clear();
    return {};
  }

  Result<Location> finish_small(std::string_view prefix) {
    raw_.insert(0, prefix);
    const auto& options = log_.options();
    const auto compression =
        raw_.size() < options.compress_from ? Compression::off : options.compression;
    auto record = render_record(raw_, 0, compression);
    return log_.append(record);
  }

  Result<Location> finish_large(std::string_view prefix) {
    if (!raw_.empty()) encode(raw_);
    std::string front(header_size, '\0');
    if (!prefix.empty())
      chunks_.insert(chunks_.begin(), store_chunk(prefix, log_.options().compression, front));
    const auto index = render_index(chunks_);
    encoded_ += index;
    TRY_OK(write_encoded());

    Header header;
    header.size = size_ + prefix.size();
    header.prefix = static_cast<std::uint32_t>(prefix.size());
    header.mark = part_->mark;
    header.sole.checksum = index_checksum(index);
    const auto begin = large_body_at - front.size();
    header.stored = end_ - begin;
    render_header(header, {part_->number, begin}, front.data());
    TRY_OK(part_->file->pwrite(front, begin));
    TRY_OK(part_->file->truncate(end_));
    const Location at{part_->number, begin, header.stored, header.size};
    TRY_OK(log_.publish(*part_, at));
    part_.reset();
    return at;
  }

  void count_memory() {
    const auto now = static_cast<std::int64_t>(raw_.capacity() + encoded_.capacity() +
                                               chunks_.capacity() * sizeof(Chunk));
    log_.hold_memory(now - held_);
    held_ = now;
  }

  SegmentLog& log_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
  std::optional<Error> failure_;  // of an earlier call: the blob has a gap and cannot be finished
  std::int64_t held_ = 0;
  // A small blob, all of it; of a large one the bytes that make no chunk yet.
  std::string raw_;
  // Only for a large blob.
  std::optional<SegmentLog::Part> part_;
  std::string encoded_;
  std::vector<Chunk> chunks_;
  std::uint64_t end_ = large_body_at;
  std::uint64_t reserved_ = 0;
};

}  // namespace

std::unique_ptr<Writer> SegmentLog::create() {
  return std::make_unique<SegmentWriter>(*this);
}

Result<Location> SegmentLog::append(Rendered& record) {
  TRY(auto claim, this->claim(record.bytes.size()));
  record.header.mark = claim.mark;
  render_header(record.header, {claim.number, claim.offset}, record.bytes.data());
  auto done = claim.file->pwrite(record.bytes, claim.offset);
  if (!done) {
    unwritten(claim);
    return std::unexpected(std::move(done).error());
  }
  written(claim);
  return Location{claim.number, claim.offset, record.header.stored, record.header.size};
}

// The space is ours alone until written() or unwritten(), so writes go side by side.
Result<SegmentLog::Claim> SegmentLog::claim(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  if (lost_) return fail(Errc::unavailable, *lost_);
  auto claimed = [&](std::uint64_t offset) {
    writing_[tail_->number].insert(offset);
    return Claim{tail_->number, tail_->mark, offset, bytes, tail_->file};
  };
  for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
    auto [offset, length] = *hole;
    if (length < bytes) continue;
    holes_.erase(hole);
    if (length > bytes) holes_.emplace(offset + bytes, length - bytes);
    return claimed(offset);
  }
  if (!tail_ || tail_->end + bytes > options_.segment_bytes) {
    TRY_OK(rotate(bytes));
  }
  TRY_OK(reserve(bytes));
  tail_->end += bytes;
  auto& segment = segments_[tail_->number];
  segment.bytes = tail_->end;
  return claimed(tail_->end - bytes);
}

Result<> SegmentLog::reserve(std::uint64_t bytes) {
  auto& tail = *tail_;
  if (tail.end + bytes <= tail.reserved) return {};
  const auto missing = tail.end + bytes - tail.reserved;
  auto grow = std::max(options_.step, missing);
  auto done = tail.file->allocate(tail.reserved, grow);
  if (!done) {
    // Nearly full: perhaps this record still fits.
    grow = missing;
    TRY_OK(tail.file->allocate(tail.reserved, grow));
  }
  if (options_.ahead == Ahead::zeros) {
    const std::string zeros(grow, '\0');
    TRY_OK(tail.file->pwrite(zeros, tail.reserved));
  }
  tail.reserved += grow;
  return {};
}

Result<> SegmentLog::rotate(std::uint64_t bytes) {
  Tail next;
  next.number = next_number_;
  next.mark = new_mark();
  const auto name = path(next.number, Kind::log);
  TRY(next.file, files_.open(name, Access::create));
  ++next_number_;
  auto done = next.file->allocate(0, segment_header_size + bytes);
  if (done) done = next.file->pwrite(render_segment_header({next.number, next.mark}), 0);
  if (!done) {
    next.file.reset();
    (void)files_.remove(name);
    return done;
  }
  next.end = segment_header_size;
  next.reserved = segment_header_size + bytes;
  close_tail();
  segments_[next.number].bytes = next.end;
  names_dirty_ = true;
  tail_ = std::move(next);
  return {};
}

// Gives back what was reserved ahead.  Records that are still being written end before `end`.
void SegmentLog::close_tail() {
  if (!tail_) return;
  if (tail_->reserved > tail_->end) (void)tail_->file->truncate(tail_->end);
  cache_.keep(tail_->number, tail_->file);
  tail_.reset();
  holes_.clear();
}

void SegmentLog::finished(std::uint64_t segment, std::uint64_t bytes, std::shared_ptr<File> file) {
  segments_[segment].live += static_cast<std::int64_t>(bytes);
  dirty_.emplace(segment, std::move(file));
  ++finished_;
}

void SegmentLog::written(const Claim& claim) {
  std::lock_guard lock(mutex_);
  auto claims = writing_.find(claim.number);
  claims->second.erase(claim.offset);
  if (claims->second.empty()) writing_.erase(claims);
  finished(claim.number, claim.bytes, claim.file);
}

// Nobody knows of the space: the next record that fits takes it.
void SegmentLog::unwritten(const Claim& claim) {
  std::lock_guard lock(mutex_);
  auto claims = writing_.find(claim.number);
  claims->second.erase(claim.offset);
  if (claims->second.empty()) writing_.erase(claims);
  if (!tail_ || tail_->number != claim.number) return;
  auto hole = holes_.emplace(claim.offset, claim.bytes).first;
  if (auto next = std::next(hole);
      next != holes_.end() && hole->first + hole->second == next->first) {
    hole->second += next->second;
    holes_.erase(next);
  }
  if (hole != holes_.begin()) {
    auto previous = std::prev(hole);
    if (previous->first + previous->second == hole->first) {
      previous->second += hole->second;
      holes_.erase(hole);
      hole = previous;
    }
  }
  if (hole->first + hole->second != tail_->end) return;
  tail_->end = hole->first;
  segments_[claim.number].bytes = tail_->end;
  holes_.erase(hole);
}

Result<SegmentLog::Part> SegmentLog::create_part() {
  Part part;
  {
    std::lock_guard lock(mutex_);
    if (lost_) return fail(Errc::unavailable, *lost_);
    part.number = next_number_++;
  }
  part.mark = new_mark();
  TRY(part.file, files_.open(path(part.number, Kind::part), Access::create));
  auto done = part.file->pwrite(render_segment_header({part.number, part.mark}), 0);
  if (!done) {
    drop_part(part);
    return std::unexpected(std::move(done).error());
  }
  return part;
}

// Failing that, the next start removes it.
void SegmentLog::drop_part(const Part& part) {
  (void)files_.remove(path(part.number, Kind::part));
}

Result<> SegmentLog::publish(const Part& part, const Location& at) {
  TRY_OK(files_.rename(path(part.number, Kind::part), path(part.number, Kind::blob)));
  cache_.keep(part.number, part.file);
  std::lock_guard lock(mutex_);
  auto& segment = segments_[part.number];
  segment.kind = Kind::blob;
  segment.bytes = at.offset + at.stored;
  names_dirty_ = true;
  finished(part.number, at.stored, part.file);
  return {};
}

}  // namespace todoke::blob
