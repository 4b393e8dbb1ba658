#pragma once

#include "imap/syntax/command.h"
#include "store/model.h"

#include <string>
#include <string_view>
#include <vector>

// Flags between IMAP's words and the store's bits.  RFC 9051 §2.3.2.
namespace todoke::imap {

constexpr unsigned all_flags = store::flag_answered | store::flag_flagged | store::flag_deleted |
                               store::flag_seen | store::flag_draft;

// "(\Seen $Forwarded)"
void write_flag_list(std::string& out, unsigned flags, std::string_view keywords);

struct Flags {
  unsigned system = 0;
  std::vector<std::string> keywords;
};
Flags to_flags(const FlagList& list);
// Whether every keyword of the one text is in the other.
bool all_known(std::string_view keywords, std::string_view known);

}  // namespace todoke::imap
