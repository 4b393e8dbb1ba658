#pragma once

#include "imap/syntax/command.h"
#include "store/model.h"

#include <cstddef>
#include <span>
#include <string_view>

namespace todoke::imap {

// States of a session, as bits.  RFC 9051 §3.
enum State : unsigned { not_authenticated = 1, authenticated = 2, selected = 4 };
using States = unsigned;

// What the client may be told of the selected mailbox when the command ends.  RFC 9051 §7.5.1: no
// EXPUNGE while message numbers of the client's command are on their way.
enum class News { all, no_expunge };

// What must hold before a command is carried out.  One row for each alternative of Command.
struct CommandRule {
  std::string_view name;
  States states;
  // On the selected mailbox: opened with EXAMINE it gives right_read only.
  store::Rights rights = 0;
  // Octets of the whole command, literals but APPEND's included.  Before login it is never more
  // than max_before_login.
  std::size_t budget = 8 << 10;
  News news = News::all;        // of the form with message numbers; the UID form tells all
  std::string_view capability;  // what announces the command, when it is not of RFC 3501
};

constexpr std::size_t max_before_login = 8 << 10;

std::span<const CommandRule> command_table();
const CommandRule& rule_of(const Command& command);
// By the first words of a line, for the budget while it is still being read; null if there is none.
const CommandRule* rule_named(std::string_view name);

}  // namespace todoke::imap
