#include "base/assert.h"
#include "mime/structure.h"

#include <cstdint>

using namespace todoke::mime;

// The first byte is the size of the chunks; the structure must not depend on it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto whole = parse_structure(message);
  StructureParser parser;
  std::size_t step = data[0] + 1U;
  for (std::size_t at = 0; at < message.size(); at += step) parser.feed(message.substr(at, step));
  auto chunked = parser.finish();
  TODOKE_ASSERT(whole.parts == chunked.parts && whole.header == chunked.header);
  TODOKE_ASSERT(whole.envelope == chunked.envelope && whole.truncated == chunked.truncated);
  auto stored = decode_structure(encode(whole));
  TODOKE_ASSERT(stored && stored->parts == whole.parts);
  auto envelope = decode_envelope(encode(whole.envelope));
  TODOKE_ASSERT(envelope && *envelope == whole.envelope);
  return 0;
}
