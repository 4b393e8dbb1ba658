#include "imap/server/flag_text.h"

#include "base/ascii.h"
#include "store/flags.h"

#include <algorithm>
#include <utility>

namespace todoke::imap {
void write_flag_list(std::string& out, unsigned flags, std::string_view keywords) {
  out += '(';
  bool first = true;
  for (const auto& [bit, name] : store::flag_names) {
    if ((flags & bit) == 0) continue;
    if (!std::exchange(first, false)) out += ' ';
    out += name;
  }
  if (!keywords.empty()) {
    if (!first) out += ' ';
    out += keywords;  // separated by single blanks, as here
  }
  out += ')';
}

Flags to_flags(const FlagList& list) {
  Flags flags;
  for (const auto& flag : list) {
    if (auto bit = store::flag_from_name(flag); bit != 0)
      flags.system |= bit;
    else
      flags.keywords.push_back(flag);
  }
  return flags;
}

bool all_known(std::string_view keywords, std::string_view known) {
  return std::ranges::all_of(store::split_keywords(keywords), [&](std::string_view keyword) {
    return store::has_keyword(known, keyword);
  });
}

}  // namespace todoke::imap
