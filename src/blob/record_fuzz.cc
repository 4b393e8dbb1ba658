#include "blob/record.h"

#include <cstdlib>
#include <string>
#include <string_view>

using namespace todoke::blob;

// The rest of the input as a record, as chunk, and as a blob to be rendered and read back.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Place place{1, 32};
  if (auto header = check_record(bytes, place)) {
    if (header->stored != size) std::abort();
  }
  if (auto header = parse_header(bytes, place); header && header->index_size() <= size)
    (void)parse_index(*header, bytes.substr(size - header->index_size()));

  std::string out;
  const Chunk chunk{static_cast<std::uint32_t>(size), true, 0};
  (void)load_chunk(chunk, bytes, chunk_size, 0, chunk_size, out);

  for (auto compression : {Compression::off, Compression::on}) {
    auto r = render_record(bytes, 7, compression);
    render_header(r.header, place, r.bytes.data());
    auto header = check_record(r.bytes, place);
    if (!header || header->size != size) std::abort();
    if (header->layout().chunks() != 1) continue;
    out.clear();
    auto stored = std::string_view(r.bytes).substr(header_size);
    if (!load_chunk(header->sole, stored, size, 0, size, out) || out != bytes) std::abort();
  }
  return 0;
}
