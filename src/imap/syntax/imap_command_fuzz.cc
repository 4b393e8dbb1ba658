#include "base/ascii.h"
#include "base/assert.h"
#include "imap/syntax/command.h"

#include <algorithm>

using namespace todoke;
using namespace todoke::imap;

namespace {

void check_text(const Error& error) {
  auto odd = [](char c) { return ascii::is_control(c) || ascii::is_8bit(c); };
  TODOKE_ASSERT(!error.text.empty() && std::ranges::none_of(error.text, odd));
}

std::size_t keys(const SearchKey& key) {
  std::size_t count = 1;
  for (const auto& child : key.children) count += keys(child);
  return count;
}

void check(const Command& command) {
  if (const auto* search = std::get_if<Search>(&command)) {
    TODOKE_ASSERT(search->unknown_charset || search->key.kind == SearchKey::Kind::both);
    TODOKE_ASSERT(keys(search->key) <= max_search_keys);
  }
  if (const auto* fetch = std::get_if<Fetch>(&command)) {
    TODOKE_ASSERT(!fetch->items.empty() && fetch->items.size() <= max_fetch_items);
    for (const auto& item : fetch->items) {
      TODOKE_ASSERT(!item.name.empty());
      TODOKE_ASSERT(item.section.part.size() <= max_part_depth);
      TODOKE_ASSERT(item.section.fields.size() <= max_header_fields);
    }
  }
}

}  // namespace

// Errors can be shown, limits hold, and a literal's head is where it says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto tagged = parse_command(text)) {
    TODOKE_ASSERT(!tagged->tag.empty() && text.starts_with(tagged->tag));
    if (tagged->command)
      check(*tagged->command);
    else
      check_text(tagged->command.error());
  } else {
    check_text(tagged.error());
  }
  if (auto options = parse_append_options(text); !options) check_text(options.error());
  if (auto head = ending_literal(text)) TODOKE_ASSERT(head->begin < size);
  return 0;
}
