#include "base/log.h"
#include "blob/crc32c.h"
#include "blob/memory_files.h"
#include "blob/segment.h"
#include "blob/segment_store.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace todoke;
using namespace todoke::blob;

namespace {

constexpr std::uint32_t mark = 0x01020304;

void put(std::string& bytes, std::size_t at, std::uint64_t v, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<char>(v >> (8 * i));
}

// Gives every header in the file the mark and the checksum that its bytes want, so that mutated
// sizes and indexes get past them.
void mend_headers(std::string& file) {
  for (auto at = file.find(record_magic); at != std::string::npos;
       at = file.find(record_magic, at + 1)) {
    if (file.size() - at < header_size) return;
    put(file, at + 24, mark, 4);
    std::string where(16, '\0');
    put(where, 0, 1, 8);
    put(where, 8, at, 8);
    put(file, at + 40, crc32c({file.data() + at, 40}, crc32c(where)), 4);
  }
}

// What reads as good must stop doing so when any byte of its record changes.
void check_watched(MemoryFiles& files, Store& store, const std::string& path, const Location& at,
                   std::uint64_t choice) {
  if (at.size > 1 << 20) return;
  auto before = store.read(at, 0, at.size);
  if (!before) return;
  if (before->size() != at.size) std::abort();
  const auto offset = at.offset + choice % at.stored;
  files.damage(path, offset, 1);
  if (store.read(at, 0, at.size) && at.size > 0) std::abort();
  files.damage(path, offset, 1);
}

}  // namespace

// An arbitrary file as the last log: opened, verified, read, appended to.  The first byte says
// whether its headers are mended before.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const bool quiet = (log::start({log::Level::error, log::Format::text, "/dev/null"}), true);
  (void)quiet;
  if (size < 2) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    file = render_segment_header({1, mark}) + file;
    mend_headers(file);
  }
  MemoryFiles files;
  const std::string path = "/f/" + segment_name(1, data[0] % 4 == 3 ? Kind::blob : Kind::log);
  (void)files.open(path, Access::create).value()->pwrite(file, 0);

  SegmentOptions options;
  options.step = 64 * 1024;
  auto store = open_segments(files, "/f", options).value();
  store->verify([](const Store::Problem&) {}, [](std::uint64_t, std::uint64_t) {});
  for (auto at = file.find(record_magic); at != std::string::npos;
       at = file.find(record_magic, at + 1))
    if (auto header = parse_header(std::string_view(file).substr(at), {1, at})) {
      const Location place{1, at, header->stored, header->size};
      std::string out;
      (void)store->read_cached(place, header->size / 2, 100'000, out);
      check_watched(files, *store, path, place, data[size - 1] * 257u);
    }

  auto writer = store->create();
  (void)writer->append("text");
  auto place = writer->finish("");
  if (!place || store->read(*place, 0, 10) != "text") std::abort();
  store->sync();
  writer.reset();
  store.reset();
  files.restart(MemoryFiles::Cut::lose_all, 1);
  store = open_segments(files, "/f", options).value();
  if (store->read(*place, 0, 10) != "text") std::abort();
  return 0;
}
