#pragma once

#include "blob/file_cache.h"
#include "blob/segment.h"
#include "blob/segment_store.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>

// The inside of the segment store, shared by its rooms: segment_store.cc (opening, sync, reading),
// writer.cc (appending), recovery.cc (start, verify) and compaction.cc.
namespace todoke::blob {

class SegmentLog final : public Store {
 public:
  SegmentLog(Files& files, std::string folder, SegmentOptions options);
  ~SegmentLog() override;

  Result<> start();  // recovery.cc

  std::unique_ptr<Writer> create() override;
  void sync() override;
  Result<std::string> read(const Location& at, std::uint64_t offset, std::uint64_t length) override;
  Result<bool> read_cached(const Location& at, std::uint64_t offset, std::uint64_t length,
                           std::string& out) override;
  void release(const Location& at) override;
  Found found() const override { return found_; }
  void set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) override;
  std::uint64_t compact(const Live& live, const Moved& moved) override;
  void verify(const std::function<void(const Problem&)>& bad,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress) override;
  Usage usage() const override;

  // For writers and the compactor.
  const SegmentOptions& options() const { return options_; }
  std::uint32_t new_mark();  // a segment's secret
  // Puts a rendered record into the open log with one write; any thread.
  Result<Location> append(Rendered& record);

  // A large blob's own file, named as a part until publish() gives it its place.
  struct Part {
    std::uint64_t number = 0;
    std::uint32_t mark = 0;
    std::shared_ptr<File> file;
  };
  Result<Part> create_part();
  void drop_part(const Part& part);
  Result<> publish(const Part& part, const Location& at);

  void hold_memory(std::int64_t change);

 private:
  // What is known of a segment, by number in `segments_`.
  struct Segment {
    Kind kind = Kind::log;
    std::uint64_t bytes = 0;  // where its records end
    std::int64_t live = 0;    // Location::stored of all that is referred to or may yet be
    bool broken = false;      // compaction met a bad record: left alone until the next start
    // While it is being compacted: what was released since the owner was asked what lives.
    std::optional<std::set<std::uint64_t>> released;
    // Set once its records stand elsewhere; the file goes later.
    std::optional<Steady> compacted;
    std::unordered_map<std::uint64_t, Location> moved;  // old offset to new place
  };
  // The log that records are appended to.
  struct Tail {
    std::uint64_t number = 0;
    std::uint32_t mark = 0;
    std::shared_ptr<File> file;  // shared with readers and a running sync
    std::uint64_t end = 0;
    std::uint64_t reserved = 0;  // the file's size
  };
  // Space of one record being written.
  struct Claim {
    std::uint64_t number = 0;
    std::uint32_t mark = 0;
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
    std::shared_ptr<File> file;
  };
  using Space = std::map<std::uint64_t, std::uint64_t>;  // offset to length

  std::string path(std::uint64_t number, Kind kind) const;
  Result<std::shared_ptr<File>> file_of(std::uint64_t segment);

  Result<Claim> claim(std::uint64_t bytes);
  void written(const Claim& claim);
  void unwritten(const Claim& claim);
  Result<> reserve(std::uint64_t bytes);  // the next `bytes` of the tail
  Result<> rotate(std::uint64_t bytes);   // a new tail that has room for `bytes`
  void close_tail();
  void finished(std::uint64_t segment, std::uint64_t bytes, std::shared_ptr<File> file);

  Result<> adopt_tail(std::uint64_t number, std::uint64_t size);
  void verify_segment(std::uint64_t number, Kind kind, std::uint64_t end,
                      const std::function<void(const Problem&)>& bad,
                      const std::function<void(std::uint64_t)>& passed);

  struct Candidate {
    std::uint64_t number = 0;
    std::uint64_t bytes = 0;
    std::int64_t live = 0;
  };
  std::vector<Candidate> candidates() const;
  Result<void> copy(const std::vector<Location>& wanted,
                    std::vector<std::pair<Location, Location>>& pairs);
  using Pairs = std::vector<std::pair<Location, Location>>;
  std::uint64_t compact_segment(const Candidate& candidate, const Live& live, const Moved& moved);
  void redirect(std::uint64_t number, Pairs& pairs);
  void remove_compacted();
  Result<> sync_files(const std::map<std::uint64_t, std::shared_ptr<File>>& files, bool names);

  Files& files_;
  const std::string folder_;
  const SegmentOptions options_;
  SystemClock system_clock_;
  const Clock& clock_;
  FileCache cache_;
  Store::Found found_;  // set by start(), then as it is

  mutable std::mutex mutex_;  // guards all below; held for no disk access but a growing tail's
  std::map<std::uint64_t, Segment> segments_;
  std::uint64_t next_number_ = 1;
  std::optional<Tail> tail_;
  std::map<std::uint64_t, std::set<std::uint64_t>> writing_;  // offsets claimed, by segment
  Space holes_;                                               // in the tail, of failed writes
  bool live_known_ = false;

  // Blobs are counted as they are finished; the first `synced_` of them are durable.
  std::uint64_t finished_ = 0;
  std::uint64_t synced_ = 0;
  bool syncing_ = false;
  bool names_dirty_ = false;
  std::map<std::uint64_t, std::shared_ptr<File>> dirty_;
  std::optional<std::string> lost_;  // a sync failed: what it should have kept may be gone
  std::condition_variable sync_done_;
};

}  // namespace todoke::blob
