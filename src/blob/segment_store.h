#pragma once

#include "base/clock.h"
#include "blob/files.h"
#include "blob/record.h"
#include "blob/store.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace todoke::blob {

// Bytes that writers hold in memory now and held at most; for metrics and tests.
struct WriterMemory {
  std::atomic<std::uint64_t> now{0};
  std::atomic<std::uint64_t> peak{0};
};

// What is reserved ahead in the open segment.
enum class Ahead {
  reserved,  // the file system's promise of space: free, and a sync has to change its books
  zeros,     // written zeros: each byte goes to the disk twice, and a sync moves only data
};

struct SegmentOptions {
  std::uint64_t segment_bytes = 64 << 20;  // a log is closed when the next record would pass it
  std::uint64_t step = 4 << 20;            // reserved ahead at a time
  Ahead ahead = Ahead::reserved;
  Compression compression = Compression::on;
  std::uint64_t compress_from = 16 * 1024;   // blobs smaller than this are stored as they are
  std::size_t open_files = 256;              // descriptors kept for reading
  std::uint64_t compaction_rate = 16 << 20;  // bytes copied a second; 0: as fast as it goes
  std::chrono::seconds keep_compacted{60};   // how long readers of old places have
  const Clock* clock = nullptr;              // the machine's, unless told; must outlive the store
  // Blocks the caller of compact() to keep to the rate; std::this_thread::sleep_for unless told.
  std::function<void(std::chrono::microseconds)> pause;
  WriterMemory* memory = nullptr;  // counted in, if told; must outlive the store
};

// Opens the log of segment files in `folder`, making it if it is not there; one store at a time per
// folder.  Reads no old segment: only the end of the last log is looked at, and what a power loss
// left there half written is cut off.  `files` must outlive the store, the store its writers.
Result<std::unique_ptr<Store>> open_segments(Files& files, const std::string& folder,
                                             SegmentOptions options = {});

// The same over files in memory, which go with it: for tests.
std::unique_ptr<Store> open_memory();

}  // namespace todoke::blob
