#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// Immutable message bodies.  Knows nothing of messages or SQL: whoever stores a Location decides
// how long it lives, by counting references and telling release().
namespace todoke::blob {

// The disk cannot serve now: full, unreadable.  Ends the job, as sql::Unavailable does.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Where a blob's record stands.  Plain numbers, kept in the database by the owner.
struct Location {
  std::uint64_t segment = 0;  // number of the segment file
  std::uint64_t offset = 0;   // of the record's header in it
  std::uint64_t stored = 0;   // bytes the whole record takes on disk
  std::uint64_t size = 0;     // bytes of the blob itself
  bool operator==(const Location&) const = default;
};

// Takes one blob in pieces.  One coroutine at a time; different writers on different threads.
// Small blobs (to 256 KiB) are gathered in memory and appended at once; larger ones stream into a
// segment file of their own, so memory stays bounded.  Destroyed without finish(): nothing remains.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<> append(std::string_view bytes) = 0;  // Errc::unavailable: disk full
  virtual std::uint64_t size() const = 0;               // bytes appended so far
  // Ends the blob, with `prefix` (trace headers known only now, at most 16 KiB) put before what was
  // appended.  It is readable at once and durable after the next Store::sync().
  virtual Result<Location> finish(std::string_view prefix) = 0;
};

// Any thread, all functions.
class Store {
 public:
  virtual ~Store() = default;

  virtual std::unique_ptr<Writer> create() = 0;
  // Makes every blob durable whose finish() returned before the call.  One sync for all; returns at
  // once when there is none.  Throws Unavailable.  Blocks: database threads only.
  virtual void sync() = 0;

  // `length` bytes from `offset`, fewer at the end.  Errc::corrupt when a checksum fails: never
  // bad bytes as good.  May block on the disk: not on an I/O thread.
  virtual Result<std::string> read(const Location& at, std::uint64_t offset,
                                   std::uint64_t length) = 0;
  // The same without ever waiting for the disk, for I/O threads: false when it would have to, and
  // then `out` is untouched.  Appends to `out`.
  virtual Result<bool> read_cached(const Location& at, std::uint64_t offset, std::uint64_t length,
                                   std::string& out) = 0;

  // The owner holds no reference to this blob any more, durably.  Its space is reused by compact().
  virtual void release(const Location& at) = 0;
  // Told once by the owner after a start: bytes (Location::stored) it still refers to, by segment.
  // Until then compact() does nothing.
  virtual void set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) = 0;

  // Rewrites the closed segment that has the largest dead share, if more than half of it is dead:
  // copies what `live(segment)` says the owner refers to, syncs, and calls `moved` with pairs of
  // old and new places, which must have replaced them durably when it returns.  The old file goes
  // when nobody reads from it any more and a minute has passed.  Returns bytes freed; 0: nothing to
  // do. Blocks; one call at a time.
  using Live = std::function<std::vector<Location>(std::uint64_t segment)>;
  using Moved = std::function<void(const std::vector<std::pair<Location, Location>>&)>;
  virtual std::uint64_t compact(const Live& live, const Moved& moved) = 0;

  // Reads every record of every segment and calls `bad` for each that fails its checksum.
  struct Problem {
    Location at;
    std::string text;
  };
  virtual void verify(
      const std::function<void(const Problem&)>& bad,
      const std::function<void(std::uint64_t done, std::uint64_t total)>& progress) = 0;

  struct Usage {
    std::uint64_t segments = 0;
    std::uint64_t bytes = 0;       // on disk
    std::uint64_t dead_bytes = 0;  // known to be unreferenced
  };
  virtual Usage usage() const = 0;
};

}  // namespace todoke::blob
