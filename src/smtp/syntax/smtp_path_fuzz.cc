#include "base/assert.h"
#include "smtp/syntax/path.h"

#include <cstdint>

using namespace todoke;

// What is printed of a path that was read is the same path again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Cursor forward(input), reverse(input);
  if (auto path = smtp::take_forward_path(forward)) {
    for (auto dots : {smtp::Dots::as_used, smtp::Dots::strict}) {
      auto text = "<" + smtp::to_text(*path, dots) + ">";
      Cursor again(text);
      TODOKE_ASSERT(smtp::take_forward_path(again) == *path && again.at_end());
    }
  }
  if (auto path = smtp::take_reverse_path(reverse))
    TODOKE_ASSERT(path->is_null() == smtp::to_text(*path).empty());
  if (auto path = smtp::parse_address(input))
    TODOKE_ASSERT(smtp::parse_address(smtp::to_text(*path)) == *path);
  return 0;
}
