#pragma once

#include "blob/files.h"
#include "blob/record.h"
#include "blob/store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// One segment file: its name, its header, and reading records out of it.
//
//   0000000000000012.log    many small records, one after another
//   0000000000000013.blob   one large record
//   0000000000000014.part   a large record being written; worth nothing after a restart
namespace todoke::blob {

enum class Kind { log, blob, part };

std::string segment_name(std::uint64_t number, Kind kind);
struct Named {
  std::uint64_t number = 0;
  Kind kind = Kind::log;
};
// Nothing for a name that segment_name() does not make.
std::optional<Named> parse_segment_name(std::string_view name);

// The file's first bytes.  Reading by Location needs them not; finding records without one does.
constexpr std::size_t segment_header_size = 32;
struct SegmentHeader {
  std::uint64_t number = 0;
  std::uint32_t mark = 0;
};
std::string render_segment_header(const SegmentHeader& header);
Result<SegmentHeader> parse_segment_header(std::string_view bytes);

// In a file of one large record the chunks of the body start here; the record's header and the
// stored prefix are put right before them when the blob is finished.
constexpr std::uint64_t large_body_at = 20 * 1024;
static_assert(large_body_at >= segment_header_size + header_size + max_prefix);

// The largest blob that is gathered in memory, and the largest record that it can become.
constexpr std::uint64_t max_small_blob = 256 * 1024;
constexpr std::uint64_t max_log_record =
    header_size + max_small_blob + max_prefix +
    ((max_small_blob + max_prefix) / chunk_size + 1) * index_entry_size;

enum class Wait { allowed, never };

// Appends `length` bytes of a blob from `offset` to `out`, fewer at its end, all verified.  false
// (only with Wait::never): the disk would have to be waited for.  `out` is changed only by true.
Result<bool> read_range(const File& file, const Location& at, std::uint64_t offset,
                        std::uint64_t length, Wait wait, std::string& out);

// The whole record at `at`, as it is stored, verified; for records of a log.
Result<std::string> read_record(const File& file, const Location& at);

// The first valid header of the segment at or after `from`, and before `end`.
struct Found {
  std::uint64_t offset = 0;
  Header header;
};
Result<std::optional<Found>> find_next(const File& file, const SegmentHeader& segment,
                                       std::uint64_t from, std::uint64_t end);
// The last whole record of a log of `size` bytes: where the log ended when the power went.  Reads
// backwards, and no further than `limit` bytes of what is not zeros.
struct Tail {
  std::uint64_t end = 0;  // after the last whole record
  bool certain = false;   // false: none was found, though the log is not empty
};
Result<Tail> find_tail(const File& file, const SegmentHeader& segment, std::uint64_t size,
                       std::uint64_t limit);

}  // namespace todoke::blob
