#include "base/assert.h"
#include "mime/structure.h"

#include <cstdint>

using namespace todoke::mime;

// Stored forms: what decodes must come back the same once more; of an envelope to the byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto structure = decode_structure(bytes)) {
    auto again = decode_structure(encode(*structure));
    TODOKE_ASSERT(again && again->parts == structure->parts);
  }
  if (auto envelope = decode_envelope(bytes)) {
    TODOKE_ASSERT(encode(*envelope) == bytes);
  }
  return 0;
}
