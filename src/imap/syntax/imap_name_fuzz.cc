#include "base/assert.h"
#include "base/utf8.h"
#include "imap/syntax/mailbox_name.h"

#include <cstdint>

using namespace todoke;
using namespace todoke::imap;

// A name survives the way to a client and back; a pattern without wildcards matches itself only.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (auto form : {NameForm::modified_utf7, NameForm::utf8}) {
    auto name = name_from_wire(text, form);
    if (!name) continue;
    TODOKE_ASSERT(is_utf8(*name));
    TODOKE_ASSERT(name_from_wire(name_to_wire(*name, form), form) == name);
    TODOKE_ASSERT(matches_pattern(*name, *name) && matches_pattern(*name, "*"));
  }
  auto cut = text.find('\n');
  if (cut != text.npos) {
    auto name = text.substr(0, cut), pattern = text.substr(cut + 1);
    bool matches = matches_pattern(name, pattern);
    bool is_plain = pattern.find_first_of("*%") == pattern.npos;
    if (is_plain && !matches) TODOKE_ASSERT(name != pattern);
    if (is_plain && matches) TODOKE_ASSERT(name.size() == pattern.size());
  }
  return 0;
}
