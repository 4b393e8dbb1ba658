#pragma once

#include "imap/server/command_table.h"

#include <span>
#include <string_view>

namespace todoke::imap {

// One capability that RFCs define, and whether we have it.
struct CapabilityRow {
  std::string_view name;
  std::string_view rfc;
  // When it is announced; 0: not implemented, and `note` says why or what instead.
  States announced = 0;
  std::string_view note;
};

// All that is announced as a fixed word.  AUTH=, STARTTLS, LOGINDISABLED and APPENDLIMIT depend on
// the connection.
std::span<const CapabilityRow> capability_table();

}  // namespace todoke::imap
