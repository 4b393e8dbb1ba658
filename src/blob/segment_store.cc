#include "blob/segment_store.h"

#include "base/log.h"
#include "blob/memory_files.h"
#include "blob/segment_log.h"

#include <algorithm>
#include <random>

namespace todoke::blob {
namespace {

// A store that owns the files it stands on.
class MemoryStore final : public Store {
 public:
  MemoryStore() {
    auto opened = open_segments(files_, "/blobs");
    store_ = std::move(opened).value();
  }
  std::unique_ptr<Writer> create() override { return store_->create(); }
  void sync() override { store_->sync(); }
  Result<std::string> read(const Location& at, std::uint64_t offset,
                           std::uint64_t length) override {
    return store_->read(at, offset, length);
  }
  Result<bool> read_cached(const Location& at, std::uint64_t offset, std::uint64_t length,
                           std::string& out) override {
    return store_->read_cached(at, offset, length, out);
  }
  void release(const Location& at) override { store_->release(at); }
  Found found() const override { return store_->found(); }
  void set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) override {
    store_->set_live(live);
  }
  std::uint64_t compact(const Live& live, const Moved& moved) override {
    return store_->compact(live, moved);
  }
  void verify(const std::function<void(const Problem&)>& bad,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    store_->verify(bad, progress);
  }
  Usage usage() const override { return store_->usage(); }

 private:
  MemoryFiles files_;
  std::unique_ptr<Store> store_;
};

}  // namespace

Result<std::unique_ptr<Store>> open_segments(Files& files, const std::string& folder,
                                             SegmentOptions options) {
  auto log = std::make_unique<SegmentLog>(files, folder, std::move(options));
  TRY_OK(log->start());
  return log;
}

std::unique_ptr<Store> open_memory() {
  return std::make_unique<MemoryStore>();
}

SegmentLog::SegmentLog(Files& files, std::string folder, SegmentOptions options)
    : files_(files),
      folder_(std::move(folder)),
      options_(std::move(options)),
      clock_(options_.clock != nullptr ? *options_.clock : system_clock_),
      cache_(options_.open_files) {}

SegmentLog::~SegmentLog() {
  close_tail();
}

std::string SegmentLog::path(std::uint64_t number, Kind kind) const {
  return folder_ + "/" + segment_name(number, kind);
}

std::uint32_t SegmentLog::new_mark() {
  std::random_device device;
  return device();
}

void SegmentLog::sync() {
  std::unique_lock lock(mutex_);
  const auto wanted = finished_;
  while (synced_ < wanted && !lost_ && syncing_) sync_done_.wait(lock);
  if (lost_) throw Unavailable(*lost_);
  if (synced_ >= wanted) return;
  syncing_ = true;
  const auto upto = finished_;
  const auto files = std::exchange(dirty_, {});
  const bool names = std::exchange(names_dirty_, false);
  lock.unlock();
  auto done = sync_files(files, names);
  lock.lock();
  syncing_ = false;
  // After a failed sync the kernel may call pages clean that never reached the disk, and the next
  // sync would succeed without them.  So no later answer can be trusted: the process has to start
  // anew from what the disk holds.
  if (done)
    synced_ = upto;
  else
    lost_ = "a sync of the blob store failed, and it must be opened anew: " + done.error().text;
  sync_done_.notify_all();
  if (done) return;
  log::error("blob.sync_failed", {{"reason", done.error().text}});
  throw Unavailable(*lost_);
}

Result<> SegmentLog::sync_files(const std::map<std::uint64_t, std::shared_ptr<File>>& files,
                                bool names) {
  if (names) {
    TRY_OK(files_.sync_directory(folder_));
  }
  for (const auto& [number, file] : files) {
    TRY_OK(file->fdatasync());
  }
  return {};
}

Result<std::shared_ptr<File>> SegmentLog::file_of(std::uint64_t segment) {
  if (auto file = cache_.find(segment)) return file;
  auto kind = Kind::log;
  {
    std::lock_guard lock(mutex_);
    if (tail_ && tail_->number == segment) return tail_->file;
    auto found = segments_.find(segment);
    if (found == segments_.end()) return fail(Errc::corrupt, "the blob's segment is not there");
    kind = found->second.kind;
  }
  auto file = files_.open(path(segment, kind), Access::read);
  if (!file && file.error().code == Errc::not_found)
    return fail(Errc::corrupt, "the blob's segment is not there: " + file.error().text);
  if (!file) return std::unexpected(std::move(file).error());
  auto kept = cache_.keep(segment, *std::move(file));
  // Removed meanwhile: this reader may use it, but nobody shall hold its space for long.
  std::lock_guard lock(mutex_);
  if (!segments_.contains(segment)) cache_.forget(segment);
  return kept;
}

Result<std::string> SegmentLog::read(const Location& at, std::uint64_t offset,
                                     std::uint64_t length) {
  TRY(auto file, file_of(at.segment));
  std::string out;
  TRY_OK(read_range(*file, at, offset, length, Wait::allowed, out));
  return out;
}

Result<bool> SegmentLog::read_cached(const Location& at, std::uint64_t offset, std::uint64_t length,
                                     std::string& out) {
  // A file that is not open yet costs a look into the folder, which may wait.
  auto file = cache_.find(at.segment);
  if (!file) {
    std::lock_guard lock(mutex_);
    if (!tail_ || tail_->number != at.segment) return false;
    file = tail_->file;
  }
  return read_range(*file, at, offset, length, Wait::never, out);
}

void SegmentLog::release(const Location& at) {
  std::lock_guard lock(mutex_);
  auto found = segments_.find(at.segment);
  if (found == segments_.end()) return;
  auto& segment = found->second;
  if (!live_known_ && found_.contains(at.segment, at.offset)) return;
  if (segment.released) segment.released->insert(at.offset);
  // Released by its old place while it moved: it is the copy that nobody refers to.
  if (auto moved = segment.moved.find(at.offset); moved != segment.moved.end()) {
    auto target = segments_.find(moved->second.segment);
    if (target != segments_.end())
      target->second.live -= static_cast<std::int64_t>(moved->second.stored);
    segment.moved.erase(moved);
    return;
  }
  segment.live -= static_cast<std::int64_t>(at.stored);
}

void SegmentLog::set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) {
  std::lock_guard lock(mutex_);
  if (live_known_) return;
  for (const auto& [number, bytes] : live)
    if (auto found = segments_.find(number); found != segments_.end())
      found->second.live += static_cast<std::int64_t>(bytes);
  live_known_ = true;
}

Store::Usage SegmentLog::usage() const {
  std::lock_guard lock(mutex_);
  Usage usage;
  for (const auto& [number, segment] : segments_) {
    ++usage.segments;
    usage.bytes += segment.bytes;
    if (!live_known_) continue;
    const auto head = segment.kind == Kind::log ? segment_header_size : large_body_at;
    const auto held = static_cast<std::int64_t>(segment.bytes - std::min(segment.bytes, head));
    if (segment.compacted)
      usage.dead_bytes += segment.bytes;
    else
      usage.dead_bytes += static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, held - std::max<std::int64_t>(0, segment.live)));
  }
  return usage;
}

void SegmentLog::hold_memory(std::int64_t change) {
  if (options_.memory == nullptr) return;
  auto& m = *options_.memory;
  const auto now =
      m.now.fetch_add(static_cast<std::uint64_t>(change)) + static_cast<std::uint64_t>(change);
  auto peak = m.peak.load();
  while (change > 0 && now > peak && !m.peak.compare_exchange_weak(peak, now)) {
  }
}

}  // namespace todoke::blob
