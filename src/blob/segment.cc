#include "blob/segment.h"

#include "base/assert.h"
#include "blob/crc32c.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

namespace todoke::blob {
namespace {

constexpr std::string_view file_magic = "\xF5Todoke\n";
constexpr std::size_t name_digits = 16;
constexpr std::size_t window = 256 * 1024;
// An index up to this size is read on the record's word; a larger one is compared with the file's
// size before memory is taken for it.
constexpr std::uint64_t trusted_index = 64 * 1024;
constexpr std::uint64_t batch = 1024 * 1024;

constexpr std::string_view suffix(Kind kind) {
  switch (kind) {
    case Kind::log:
      return ".log";
    case Kind::blob:
      return ".blob";
    case Kind::part:
      return ".part";
  }
  return {};
}

// Memory that is not cleared before it is read into.
struct Buffer {
  explicit Buffer(std::size_t n) : bytes(std::make_unique_for_overwrite<char[]>(n)), size(n) {}
  std::span<char> span() { return {bytes.get(), size}; }
  std::string_view view() const { return {bytes.get(), size}; }
  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

Result<bool> fetch(const File& file, std::uint64_t offset, Wait wait, std::span<char> into) {
  if (wait == Wait::never) return file.pread_cached(into, offset);
  TRY(auto n, file.pread(into, offset));
  if (n < into.size()) return fail(Errc::corrupt, "the segment ends inside the record");
  return true;
}

Result<Header> header_of(const Location& at, std::string_view bytes) {
  TRY(auto header, parse_header(bytes, {at.segment, at.offset}));
  if (header.size != at.size || header.stored != at.stored)
    return fail(Errc::corrupt, "another record stands here");
  return header;
}

// A blob of one chunk comes with one read.
Result<bool> read_single(const File& file, const Location& at, std::uint64_t offset,
                         std::uint64_t length, Wait wait, std::string& out) {
  Buffer record(at.stored);
  TRY(auto ready, fetch(file, at.offset, wait, record.span()));
  if (!ready) return false;
  TRY(auto header, header_of(at, record.view()));
  if (header.layout().chunks() != 1)
    return fail(Errc::corrupt, "the record has more chunks than its blob needs");
  TRY_OK(load_chunk(header.sole, record.view().substr(header_size), at.size, offset,
                    offset + length, out));
  return true;
}

Result<bool> read_chunks(const File& file, const Location& at, std::uint64_t offset,
                         std::uint64_t length, Wait wait, std::string& out) {
  Buffer head(header_size);
  TRY(auto head_ready, fetch(file, at.offset, wait, head.span()));
  if (!head_ready) return false;
  TRY(auto header, header_of(at, head.view()));
  const auto index_size = header.index_size();
  if (index_size > trusted_index) {
    TRY(auto file_size, file.size());
    if (at.offset > file_size || at.stored > file_size - at.offset)
      return fail(Errc::corrupt, "the segment ends inside the record");
  }
  Buffer index(index_size);
  const auto index_at = at.offset + at.stored - index_size;
  TRY(auto index_ready, fetch(file, index_at, wait, index.span()));
  if (!index_ready) return false;
  TRY(auto chunks, parse_index(header, index.view()));

  const auto layout = header.layout();
  const auto last = layout.chunk_at(offset + length - 1);
  auto next = layout.chunk_at(offset);
  auto place = at.offset + header_size;
  for (std::uint64_t i = 0; i < next; ++i) place += chunks[i].length;
  out.reserve(out.size() + length);
  while (next <= last) {
    // As many neighbours as make one read of a sensible size.
    std::uint64_t bytes = chunks[next].length;
    auto end = next + 1;
    while (end <= last && bytes + chunks[end].length <= batch) bytes += chunks[end++].length;
    Buffer stored(bytes);
    TRY(auto ready, fetch(file, place, wait, stored.span()));
    if (!ready) return false;
    auto rest = stored.view();
    for (; next < end; ++next) {
      const auto begin = layout.begin(next);
      const auto from = offset > begin ? offset - begin : 0;
      const auto to = std::min(offset + length - begin, layout.length(next));
      TRY_OK(load_chunk(chunks[next], rest.substr(0, chunks[next].length), layout.length(next),
                        from, to, out));
      rest.remove_prefix(chunks[next].length);
    }
    place += bytes;
  }
  return true;
}

// Calls `visit(offset, header)` for each valid header that starts in [begin, end) of the window,
// the last one first, until it answers true.
template <class Visit>
Result<bool> headers_backwards(std::string_view bytes, std::uint64_t base, std::size_t end,
                               const SegmentHeader& segment, Visit visit) {
  auto at = end;
  while (at > 0) {
    at = bytes.rfind(record_magic, at - 1);
    if (at == std::string_view::npos) break;
    auto header = parse_header(bytes.substr(at), {segment.number, base + at});
    if (!header || header->mark != segment.mark) continue;
    TRY(auto stop, visit(base + at, *header));
    if (stop) return true;
  }
  return false;
}

bool all_zero(std::string_view bytes) {
  return bytes.empty() ||
         (bytes[0] == '\0' && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

std::string segment_name(std::uint64_t number, Kind kind) {
  std::string name(name_digits, '0');
  char digits[name_digits];
  auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
  std::copy(digits, end, name.end() - (end - digits));
  return name.append(suffix(kind));
}

std::optional<Named> parse_segment_name(std::string_view name) {
  for (auto kind : {Kind::log, Kind::blob, Kind::part}) {
    if (name.size() != name_digits + suffix(kind).size() || !name.ends_with(suffix(kind))) continue;
    Named found{0, kind};
    auto digits = name.substr(0, name_digits);
    auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), found.number, 16);
    if (error == std::errc() && found.number > 0 && segment_name(found.number, kind) == name)
      return found;
  }
  return std::nullopt;
}

std::string render_segment_header(const SegmentHeader& header) {
  std::string out(file_magic);
  out.resize(segment_header_size);
  auto put = [&](std::size_t at, std::uint64_t v, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out[at + i] = static_cast<char>(v >> (8 * i));
  };
  put(8, 1, 4);  // version
  put(12, header.mark, 4);
  put(16, header.number, 8);
  put(28, crc32c(std::string_view(out).substr(0, 28)), 4);
  return out;
}

Result<SegmentHeader> parse_segment_header(std::string_view bytes) {
  if (bytes.size() < segment_header_size || !bytes.starts_with(file_magic))
    return fail(Errc::corrupt, "the file is no segment");
  SegmentHeader header;
  auto get = [&](std::size_t at, std::size_t count) {
    std::uint64_t v = 0;
    for (auto i = count; i-- > 0;) v = v << 8 | static_cast<unsigned char>(bytes[at + i]);
    return v;
  };
  header.mark = static_cast<std::uint32_t>(get(12, 4));
  header.number = get(16, 8);
  if (render_segment_header(header) != bytes.substr(0, segment_header_size))
    return fail(Errc::corrupt, "the segment's header fails its checksum");
  return header;
}

Result<bool> read_range(const File& file, const Location& at, std::uint64_t offset,
                        std::uint64_t length, Wait wait, std::string& out) {
  if (offset >= at.size || length == 0) return true;
  length = std::min(length, at.size - offset);
  if (at.size > max_blob || at.stored < header_size || at.offset > max_blob ||
      at.stored > 2 * max_blob)
    return fail(Errc::corrupt, "the blob's location makes no sense");
  const auto before = out.size();
  const bool single = at.size <= chunk_size && at.stored <= header_size + at.size;
  auto done = single ? read_single(file, at, offset, length, wait, out)
                     : read_chunks(file, at, offset, length, wait, out);
  if (!done || !*done) out.resize(before);
  return done;
}

Result<std::string> read_record(const File& file, const Location& at) {
  if (at.stored < header_size || at.stored > max_log_record)
    return fail(Errc::corrupt, "the blob's location makes no sense");
  std::string record(at.stored, '\0');
  TRY_OK(fetch(file, at.offset, Wait::allowed, record));
  TRY(auto header, check_record(record, {at.segment, at.offset}));
  if (header.size != at.size) return fail(Errc::corrupt, "another record stands here");
  return record;
}

Result<std::optional<Found>> find_next(const File& file, const SegmentHeader& segment,
                                       std::uint64_t from, std::uint64_t end) {
  Buffer bytes(window + header_size);
  for (; from < end; from += window) {
    TRY(auto n, file.pread(bytes.span(), from));
    const auto view = bytes.view().substr(0, n);
    const auto limit = std::min<std::uint64_t>(window, end - from);
    for (auto at = view.find(record_magic); at < limit; at = view.find(record_magic, at + 1)) {
      auto header = parse_header(view.substr(at), {segment.number, from + at});
      if (header && header->mark == segment.mark) return Found{from + at, *header};
    }
  }
  return std::nullopt;
}

Result<Tail> find_tail(const File& file, const SegmentHeader& segment, std::uint64_t size,
                       std::uint64_t limit) {
  Buffer bytes(window + header_size);
  Tail tail{segment_header_size, true};
  std::uint64_t seen = 0;
  auto whole = [&](std::uint64_t at, const Header& header) -> Result<bool> {
    if (header.stored > max_log_record || header.stored > size - at) return false;
    auto record = read_record(file, {segment.number, at, header.stored, header.size});
    if (!record && record.error().code != Errc::corrupt)
      return std::unexpected(std::move(record).error());
    if (!record) return false;
    tail = {at + header.stored, true};
    return true;
  };
  for (auto end = size; end > segment_header_size && seen < limit;) {
    const auto begin = end - std::min<std::uint64_t>(window, end - segment_header_size);
    // Headers that start in this window may reach into the one behind it.
    TRY(auto n,
        file.pread(bytes.span().first(std::min<std::uint64_t>(bytes.size, size - begin)), begin));
    const auto view = bytes.view().substr(0, n);
    if (!all_zero(view)) {
      tail.certain = false;
      seen += end - begin;
      TRY(auto found, headers_backwards(view, begin, end - begin, segment, whole));
      if (found) return tail;
    }
    end = begin;
  }
  return tail;
}

}  // namespace todoke::blob
