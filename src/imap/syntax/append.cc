#include "base/ascii.h"
#include "imap/syntax/command.h"
#include "imap/syntax/parser.h"

#include <algorithm>
#include <limits>

// APPEND: RFC 9051 §6.3.12, RFC 3502.
namespace todoke::imap {

Result<Command> parse_append(Parser& in) {
  Append append;
  TRY_OK(in.space());
  TRY(append.mailbox, in.mailbox());
  TRY(append.options, parse_append_options(in.rest()));
  return append;
}

Result<AppendOptions> parse_append_options(std::string_view text) {
  Parser in(text);
  AppendOptions options;
  TRY_OK(in.space());
  if (in.next_is('(')) {
    TRY_OK(in.flag_list(options.flags));
    TRY_OK(in.space());
  }
  if (in.next_is('"')) {
    TRY(options.internal_date, in.date_time());
    TRY_OK(in.space());
  }
  if (!in.at_end()) return malformed("the message must follow as a literal");
  return options;
}

std::optional<LiteralHead> ending_literal(std::string_view line) {
  auto open = line.rfind('{');
  if (open == line.npos || !line.ends_with('}')) return {};
  LiteralHead head{.begin = open};
  auto digits = line.substr(open + 1, line.size() - open - 2);
  if (digits.ends_with('+')) {
    head.synchronizing = false;
    digits.remove_suffix(1);
  }
  if (digits.empty() || !std::ranges::all_of(digits, ascii::is_digit)) return {};
  // What no number can hold is a literal all the same, and larger than anybody takes.
  head.size = ascii::to_number(digits).value_or(std::numeric_limits<std::uint64_t>::max());

  auto before = line.substr(0, open);
  if (!before.ends_with('~')) return head;
  head.binary = true;
  before.remove_suffix(1);
  constexpr std::string_view utf8 = "UTF8 (";
  auto rest = before.substr(0, before.size() - std::min(before.size(), utf8.size()));
  head.utf8 = ascii::equal_ignoring_case(before.substr(rest.size()), utf8) &&
              (rest.empty() || rest.ends_with(' '));
  head.begin = head.utf8 ? rest.size() : before.size();
  return head;
}

}  // namespace todoke::imap
