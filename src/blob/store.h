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
// Nothing here waits for a sync: writes go to the system's cache.  Errc::unavailable: the disk is
// full or a sync failed before; Errc::over_limit: more than a blob may have.  After a failure the
// writer only fails; a new one may succeed when there is space again.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<> append(std::string_view bytes) = 0;
  virtual std::uint64_t size() const = 0;  // bytes appended so far
  // Ends the blob, with `prefix` (trace headers known only now, at most 16 KiB) put before what was
  // appended.  It is readable at once and durable after the next Store::sync().  Called once.  A
  // blob that nobody comes to refer to (the transaction failed) must be told to Store::release().
  virtual Result<Location> finish(std::string_view prefix) = 0;
};

// Any thread, all functions.
class Store {
 public:
  virtual ~Store() = default;

  virtual std::unique_ptr<Writer> create() = 0;
  // Makes every blob durable whose finish() returned before the call.  One sync for all; returns at
  // once when there is none.  Blocks: database threads only.  Throws Unavailable, and from then on
  // always: what a failed sync should have kept may be gone though the next one would succeed, so
  // the store has to be opened anew.  Reading goes on.
  virtual void sync() = 0;

  // `length` bytes from `offset`, fewer at the end.  Errc::corrupt when a checksum fails, or no
  // such record stands there: never bad bytes as good.  Errc::unavailable when the disk does not
  // answer. May block on the disk: not on an I/O thread.
  virtual Result<std::string> read(const Location& at, std::uint64_t offset,
                                   std::uint64_t length) = 0;
  // The same without ever waiting for the disk, for I/O threads: false when it would have to, and
  // then `out` is untouched.  Appends to `out`.  A file that is not open yet counts as waiting;
  // read() opens it.
  virtual Result<bool> read_cached(const Location& at, std::uint64_t offset, std::uint64_t length,
                                   std::string& out) = 0;

  // The owner holds no reference to this blob any more, durably.  Its space is reused by compact().
  // Once for each blob, by the place the owner last had; while the blob moves, the old one will do.
  virtual void release(const Location& at) = 0;
  // The records that the store found when it was opened: those in segments below `next_segment`,
  // but of segment `tail`, which goes on to be written, only those below `tail_end`.
  struct Found {
    std::uint64_t next_segment = 0;
    std::uint64_t tail = 0;
    std::uint64_t tail_end = 0;
    bool contains(std::uint64_t segment, std::uint64_t offset) const {
      return segment < next_segment && (segment != tail || offset < tail_end);
    }
  };
  virtual Found found() const = 0;
  // Told once by the owner after a start, while others may write already: bytes (Location::stored)
  // that it still refers to of what was found(), by segment.  Until then compact() does nothing,
  // and a release() of what was found does not count: the owner may or may not have seen it go, and
  // a segment that is thought fuller than it is only waits for the next start.
  virtual void set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) = 0;

  // Rewrites the closed segment that has the largest dead share, if more than half of it is dead:
  // copies what `live(segment)` says the owner refers to, syncs, and calls `moved` with pairs of
  // old and new places, which must have replaced them durably when it returns (a reference that
  // went meanwhile is passed over).  The old file goes in a later call, when a minute has passed. A
  // segment waits while it holds blobs that are neither released nor named by `live`: their
  // references may yet be committed.  Returns bytes freed; 0: nothing to do.  Blocks; one call at a
  // time.  Lets through what `live` and `moved` throw; old and new places then both stay.
  using Live = std::function<std::vector<Location>(std::uint64_t segment)>;
  using Moved = std::function<void(const std::vector<std::pair<Location, Location>>&)>;
  virtual std::uint64_t compact(const Live& live, const Moved& moved) = 0;

  // Reads every record of every segment and calls `bad` for each that fails its checksum, and for
  // each stretch in which no record can be found (at.size is 0 then, at.stored the stretch).  What
  // was being written when the power went is among them; the owner knows what it refers to.
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
