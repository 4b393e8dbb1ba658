#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// How a blob stands on disk.  Pure: bytes in memory only.
//
//   record = header (44 bytes) · stored chunks · index (8 bytes a chunk, if there are several)
//
// A blob is cut into chunks of 64 KiB, after a first one of up to 16 KiB if headers were put in
// front later.  Each chunk is stored as it is or as one zstd frame and has a CRC-32C of its stored
// bytes; so a range costs the chunks it touches, and those are verified.  The header sums the
// index, which sums the chunks, and itself with the place it stands at.  So bytes of an older
// record in the same space, surviving a power loss, are never taken for this one's.  Numbers are
// little-endian.
namespace todoke::blob {

constexpr std::uint64_t chunk_size = 64 * 1024;
constexpr std::uint64_t max_prefix = 16 * 1024;
constexpr std::uint64_t max_blob = std::uint64_t{1} << 40;
constexpr std::size_t header_size = 44;
constexpr std::size_t index_entry_size = 8;
// The first bytes of every header.
constexpr std::string_view record_magic = "\xF5tdk";

// A chunk as it is stored.
struct Chunk {
  std::uint32_t length = 0;  // in the record
  bool compressed = false;
  std::uint32_t checksum = 0;
};

// Which chunks a blob has: follows from its size and its separate first chunk alone.
struct Layout {
  std::uint64_t size = 0;
  std::uint64_t prefix = 0;

  std::uint64_t chunks() const;
  std::uint64_t begin(std::uint64_t chunk) const;  // offset in the blob; chunks() gives size
  std::uint64_t length(std::uint64_t chunk) const { return begin(chunk + 1) - begin(chunk); }
  std::uint64_t chunk_at(std::uint64_t offset) const;  // offset < size
};

struct Header {
  std::uint64_t size = 0;    // of the blob
  std::uint64_t stored = 0;  // of the record
  std::uint32_t mark = 0;    // the segment's secret: nobody's mail can contain a forged record
  std::uint32_t prefix = 0;  // bytes of a separate first chunk
  // The only chunk, with the sum of its bytes; for several chunks zero, with the sum of the index.
  Chunk sole;

  Layout layout() const { return {size, prefix}; }
  std::uint64_t index_size() const;
};

// Where a record stands: its header is valid only there.
struct Place {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
};

// Writes header_size bytes.
void render_header(const Header& header, Place place, char* out);
// Errc::corrupt unless it is a whole header, for this place, that makes sense.
Result<Header> parse_header(std::string_view bytes, Place place);

std::string render_index(const std::vector<Chunk>& chunks);
std::uint32_t index_checksum(std::string_view index);
// The last header.index_size() bytes of a record.  For a single chunk: no bytes, one entry.
Result<std::vector<Chunk>> parse_index(const Header& header, std::string_view bytes);

// Appends the stored form of one chunk to `out`.  Compressed only if that saves a tenth or more.
enum class Compression { off, on };
Chunk store_chunk(std::string_view raw, Compression compression, std::string& out);
// Verifies a stored chunk and appends bytes [from, to) of its `length` to `out`.
Result<> load_chunk(const Chunk& chunk, std::string_view stored, std::uint64_t length,
                    std::uint64_t from, std::uint64_t to, std::string& out);

// Builds the record of a blob that is all in memory, for render_header() to complete.
struct Rendered {
  Header header;
  std::string bytes;  // starts with room for the header
};
Rendered render_record(std::string_view blob, std::uint32_t mark, Compression compression);

// Verifies a whole record without decompressing it: header, index and each chunk's sum.
Result<Header> check_record(std::string_view bytes, Place place);

}  // namespace todoke::blob
