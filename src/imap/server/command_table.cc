#include "imap/server/command_table.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>

namespace todoke::imap {
namespace {

constexpr States any = not_authenticated | authenticated | selected;
constexpr States logged_in = authenticated | selected;
constexpr std::size_t names = 16 << 10;  // commands with names and lists of them
constexpr std::size_t sets = 512 << 10;  // clients name 50,000 single UIDs

using store::right_expunge;
using store::right_flags;
using store::right_read;

// In the order of Command's alternatives.
constexpr std::array<CommandRule, std::variant_size_v<Command>> table{{
    {.name = "CAPABILITY", .states = any},
    {.name = "NOOP", .states = any},
    {.name = "LOGOUT", .states = any},
    {.name = "ID", .states = any, .budget = 40 << 10, .capability = "ID"},
    {.name = "STARTTLS", .states = not_authenticated},
    {.name = "AUTHENTICATE", .states = not_authenticated},
    {.name = "LOGIN", .states = not_authenticated},
    {.name = "UNAUTHENTICATE", .states = logged_in, .capability = "UNAUTHENTICATE"},
    {.name = "ENABLE", .states = logged_in, .capability = "ENABLE"},
    {.name = "SELECT", .states = logged_in, .budget = sets},
    {.name = "CREATE", .states = logged_in, .budget = names},
    {.name = "DELETE", .states = logged_in, .budget = names},
    {.name = "RENAME", .states = logged_in, .budget = names},
    {.name = "SUBSCRIBE", .states = logged_in, .budget = names},
    {.name = "UNSUBSCRIBE", .states = logged_in, .budget = names},
    {.name = "LIST", .states = logged_in, .budget = names},
    {.name = "LSUB", .states = logged_in, .budget = names},
    {.name = "NAMESPACE", .states = logged_in, .capability = "NAMESPACE"},
    {.name = "STATUS", .states = logged_in, .budget = names},
    {.name = "APPEND", .states = logged_in, .budget = names},
    {.name = "IDLE", .states = logged_in, .capability = "IDLE"},
    {.name = "CHECK", .states = selected},
    {.name = "CLOSE", .states = selected},
    {.name = "UNSELECT", .states = selected, .capability = "UNSELECT"},
    {.name = "EXPUNGE", .states = selected, .rights = right_expunge, .budget = sets},
    {.name = "SEARCH",
     .states = selected,
     .rights = right_read,
     .budget = sets,
     .news = News::no_expunge},
    {.name = "FETCH",
     .states = selected,
     .rights = right_read,
     .budget = sets,
     .news = News::no_expunge},
    {.name = "STORE",
     .states = selected,
     .rights = right_flags,
     .budget = sets,
     .news = News::no_expunge},
    {.name = "COPY", .states = selected, .rights = right_read, .budget = sets},
    {.name = "MOVE",
     .states = selected,
     .rights = right_read | right_expunge,
     .budget = sets,
     .capability = "MOVE"},
    {.name = "GETQUOTA", .states = logged_in, .capability = "QUOTA"},
    {.name = "GETQUOTAROOT", .states = logged_in, .budget = names, .capability = "QUOTA"},
    {.name = "SETQUOTA", .states = logged_in, .capability = "QUOTA"},
}};

}  // namespace

std::span<const CommandRule> command_table() {
  return table;
}

const CommandRule& rule_of(const Command& command) {
  return table[command.index()];
}

const CommandRule* rule_named(std::string_view name) {
  if (ascii::equal_ignoring_case(name, "EXAMINE")) name = "SELECT";
  auto found = std::ranges::find_if(
      table, [&](const CommandRule& rule) { return ascii::equal_ignoring_case(rule.name, name); });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace todoke::imap
