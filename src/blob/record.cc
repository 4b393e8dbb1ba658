#include "blob/record.h"

#include "base/assert.h"
#include "blob/crc32c.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace todoke::blob {
namespace {

constexpr unsigned char version = 1;
constexpr std::uint32_t compressed_bit = 0x80000000;
constexpr int zstd_level = 1;

void put32(char* out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(v >> (8 * i));
}
void put64(char* out, std::uint64_t v) {
  put32(out, static_cast<std::uint32_t>(v));
  put32(out + 4, static_cast<std::uint32_t>(v >> 32));
}
std::uint32_t get32(std::string_view bytes, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i-- > 0;) v = v << 8 | static_cast<unsigned char>(bytes[at + i]);
  return v;
}
std::uint64_t get64(std::string_view bytes, std::size_t at) {
  return get32(bytes, at) | std::uint64_t{get32(bytes, at + 4)} << 32;
}

std::uint32_t pack(const Chunk& c) {
  return c.length | (c.compressed ? compressed_bit : 0);
}
Chunk unpack(std::uint32_t length, std::uint32_t checksum) {
  return {length & ~compressed_bit, (length & compressed_bit) != 0, checksum};
}

// A stored length that store_chunk() could have made of `raw` bytes.
bool plausible(const Chunk& c, std::uint64_t raw) {
  return c.compressed ? c.length > 0 && c.length < raw : c.length == raw;
}

std::uint32_t header_checksum(std::string_view header, Place place) {
  char where[16];
  put64(where, place.segment);
  put64(where + 8, place.offset);
  return crc32c(header.substr(0, header_size - 4), crc32c({where, sizeof where}));
}

struct FreeCompressor {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }
  void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }
};

// Contexts cost more to make than a message to compress, so each thread keeps one.
ZSTD_CCtx& compressor() {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  TODOKE_ASSERT(context != nullptr);
  return *context;
}
ZSTD_DCtx& decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeCompressor> context(ZSTD_createDCtx());
  TODOKE_ASSERT(context != nullptr);
  return *context;
}

// Appends a zstd frame of at most nine tenths of `raw`, or nothing.
bool compress(std::string_view raw, std::string& out) {
  const auto before = out.size();
  const auto room = raw.size() - (raw.size() + 9) / 10;
  out.resize(before + room);
  const auto n = ZSTD_compressCCtx(&compressor(), out.data() + before, room, raw.data(), raw.size(),
                                   zstd_level);
  const bool good = ZSTD_isError(n) == 0 && n > 0;
  out.resize(good ? before + n : before);
  return good;
}

}  // namespace

std::uint64_t Layout::chunks() const {
  const auto body = size - prefix;
  const auto of_body = (body + chunk_size - 1) / chunk_size;
  return std::max<std::uint64_t>(1, of_body + (prefix > 0 ? 1 : 0));
}

std::uint64_t Layout::begin(std::uint64_t chunk) const {
  if (chunk == 0) return 0;
  return std::min(size, prefix > 0 ? prefix + (chunk - 1) * chunk_size : chunk * chunk_size);
}

std::uint64_t Layout::chunk_at(std::uint64_t offset) const {
  if (prefix == 0) return offset / chunk_size;
  return offset < prefix ? 0 : 1 + (offset - prefix) / chunk_size;
}

std::uint64_t Header::index_size() const {
  const auto count = layout().chunks();
  return count > 1 ? count * index_entry_size : 0;
}

void render_header(const Header& header, Place place, char* out) {
  std::memset(out, 0, header_size);
  std::memcpy(out, record_magic.data(), record_magic.size());
  out[4] = static_cast<char>(version);
  put64(out + 8, header.size);
  put64(out + 16, header.stored);
  put32(out + 24, header.mark);
  put32(out + 28, header.prefix);
  put32(out + 32, pack(header.sole));
  put32(out + 36, header.sole.checksum);
  put32(out + 40, header_checksum({out, header_size}, place));
}

Result<Header> parse_header(std::string_view bytes, Place place) {
  if (bytes.size() < header_size || !bytes.starts_with(record_magic))
    return fail(Errc::corrupt, "no record stands here");
  bytes = bytes.substr(0, header_size);
  if (get32(bytes, 40) != header_checksum(bytes, place))
    return fail(Errc::corrupt, "the record's header fails its checksum");
  if (get32(bytes, 4) != version) return fail(Errc::corrupt, "the record's version is unknown");
  Header h;
  h.size = get64(bytes, 8);
  h.stored = get64(bytes, 16);
  h.mark = get32(bytes, 24);
  h.prefix = get32(bytes, 28);
  h.sole = unpack(get32(bytes, 32), get32(bytes, 36));
  const auto senseless = fail(Errc::corrupt, "the record's header makes no sense");
  if (h.size > max_blob || h.prefix > max_prefix || h.prefix > h.size) return senseless;
  const auto count = h.layout().chunks();
  if (count == 1) {
    if (!plausible(h.sole, h.size) || h.stored != header_size + h.sole.length) return senseless;
  } else {
    const auto least = header_size + h.index_size() + count;
    if (pack(h.sole) != 0 || h.stored < least || h.stored > least - count + h.size)
      return senseless;
  }
  return h;
}

std::string render_index(const std::vector<Chunk>& chunks) {
  std::string out(chunks.size() * index_entry_size, '\0');
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    put32(out.data() + i * index_entry_size, pack(chunks[i]));
    put32(out.data() + i * index_entry_size + 4, chunks[i].checksum);
  }
  return out;
}

std::uint32_t index_checksum(std::string_view index) {
  return crc32c(index);
}

Result<std::vector<Chunk>> parse_index(const Header& header, std::string_view bytes) {
  const auto layout = header.layout();
  const auto count = layout.chunks();
  if (count == 1) return std::vector{header.sole};
  if (bytes.size() != header.index_size() || index_checksum(bytes) != header.sole.checksum)
    return fail(Errc::corrupt, "the record's index fails its checksum");
  std::vector<Chunk> chunks;
  chunks.reserve(count);
  std::uint64_t sum = header_size + bytes.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto at = i * index_entry_size;
    chunks.push_back(unpack(get32(bytes, at), get32(bytes, at + 4)));
    if (!plausible(chunks.back(), layout.length(i)))
      return fail(Errc::corrupt, "the record's index makes no sense");
    sum += chunks.back().length;
  }
  if (sum != header.stored) return fail(Errc::corrupt, "the record's index makes no sense");
  return chunks;
}

Chunk store_chunk(std::string_view raw, Compression compression, std::string& out) {
  TODOKE_ASSERT(raw.size() <= chunk_size);
  const auto before = out.size();
  Chunk chunk;
  chunk.compressed = compression == Compression::on && compress(raw, out);
  if (!chunk.compressed) out.append(raw);
  chunk.length = static_cast<std::uint32_t>(out.size() - before);
  chunk.checksum = crc32c(std::string_view(out).substr(before));
  return chunk;
}

Result<> load_chunk(const Chunk& chunk, std::string_view stored, std::uint64_t length,
                    std::uint64_t from, std::uint64_t to, std::string& out) {
  TODOKE_ASSERT(from <= to && to <= length && length <= chunk_size);
  if (stored.size() != chunk.length || crc32c(stored) != chunk.checksum)
    return fail(Errc::corrupt, "a chunk of the record fails its checksum");
  if (!chunk.compressed) {
    if (stored.size() != length) return fail(Errc::corrupt, "a chunk has the wrong length");
    out.append(stored.substr(from, to - from));
    return {};
  }
  const auto before = out.size();
  std::unique_ptr<char[]> scratch;
  char* target;
  if (from == 0 && to == length) {
    out.resize(before + length);
    target = out.data() + before;
  } else {
    scratch = std::make_unique_for_overwrite<char[]>(length);
    target = scratch.get();
  }
  const auto n = ZSTD_decompressDCtx(&decompressor(), target, length, stored.data(), stored.size());
  if (ZSTD_isError(n) != 0 || n != length) {
    out.resize(before);
    return fail(Errc::corrupt, "a chunk of the record cannot be decompressed");
  }
  if (scratch) out.append(target + from, to - from);
  return {};
}

Rendered render_record(std::string_view blob, std::uint32_t mark, Compression compression) {
  Rendered r;
  r.header.size = blob.size();
  r.header.mark = mark;
  r.bytes.reserve(header_size + blob.size() + (blob.size() / chunk_size + 1) * index_entry_size);
  r.bytes.resize(header_size);
  std::vector<Chunk> chunks;
  do {
    chunks.push_back(store_chunk(blob.substr(0, chunk_size), compression, r.bytes));
    blob.remove_prefix(std::min<std::size_t>(blob.size(), chunk_size));
  } while (!blob.empty());
  if (chunks.size() == 1) {
    r.header.sole = chunks.front();
  } else {
    const auto index = render_index(chunks);
    r.header.sole.checksum = index_checksum(index);
    r.bytes += index;
  }
  r.header.stored = r.bytes.size();
  return r;
}

Result<Header> check_record(std::string_view bytes, Place place) {
  TRY(auto header, parse_header(bytes, place));
  if (bytes.size() != header.stored) return fail(Errc::corrupt, "the record is cut short");
  TRY(auto chunks, parse_index(header, bytes.substr(bytes.size() - header.index_size())));
  std::size_t at = header_size;
  for (const auto& chunk : chunks) {
    if (crc32c(bytes.substr(at, chunk.length)) != chunk.checksum)
      return fail(Errc::corrupt, "a chunk of the record fails its checksum");
    at += chunk.length;
  }
  return header;
}

}  // namespace todoke::blob
