#include "base/assert.h"
#include "base/utf8.h"
#include "mime/encoded_word.h"

#include <cstdint>

using namespace todoke;
using namespace todoke::mime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto decoded = without_line_breaks(decode_words(text));
  TODOKE_ASSERT(is_utf8(decoded));
  std::string joined;
  for (const auto& word : encode_words(decoded)) joined += word + " ";
  if (!joined.empty()) joined.pop_back();
  // Escapes are the one thing that conversion from UTF-8 reads as another charset.
  if (decoded.find_first_of("\x1B\x0E") == std::string::npos)
    TODOKE_ASSERT(decode_words(joined) == decoded);
  return 0;
}
