#pragma once

#include "base/clock.h"
#include "base/cursor.h"
#include "base/result.h"
#include "imap/syntax/command.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

// Private to this folder: the tokens that commands are made of, and who parses which command.
namespace todoke::imap {

inline std::unexpected<Error> malformed(std::string text) {
  return fail(Errc::invalid, std::move(text));
}
// "bad sequence set 1:x": says which word it was as far as it is short and printable.
std::unexpected<Error> bad_word(std::string_view what, std::string_view word);

// Reads one command from the left.  Each function consumes what it names or fails; `what` is how
// an error calls the thing.
class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text) {}

  bool at_end() const { return in_.at_end(); }
  bool next_is(char c) const { return !in_.at_end() && in_.peek() == c; }
  bool next_is_digit() const { return ascii::is_digit(in_.peek()); }
  bool take(char c) { return in_.take(c); }
  // `text` in any case, also when more letters follow.
  bool take_text(std::string_view text) { return in_.take_word(text); }
  std::string_view rest() const { return in_.rest(); }
  void skip_rest() { in_.take_bytes(in_.rest().size()); }

  // The end of the command.  Trailing spaces are let pass: clients write them.
  Result<> end();
  // Exactly one space.
  Result<> space();
  Result<> expect(char c);
  // The longest run of letters, digits, "-" and ".": what commands, items and options are called.
  // May be empty.
  std::string_view word();
  // Everything up to a space.
  std::string_view token() { return in_.take_until(" "); }

  Result<std::string> atom(std::string_view what);
  // Quoted or a literal.
  Result<std::string> string(std::string_view what);
  // An atom, quoted, or a literal.  8-bit text that is not quoted is let pass.
  Result<std::string> astring(std::string_view what);
  Result<std::optional<std::string>> nstring(std::string_view what);
  // A mailbox name that may hold "*" and "%".
  Result<std::string> list_mailbox();
  Result<std::string> mailbox() { return astring("mailbox name"); }

  Result<std::uint64_t> number(std::string_view what, std::uint64_t max);
  Result<std::uint32_t> nz_number(std::string_view what);
  // RFC 7162 §7: 63 bits.
  Result<std::uint64_t> mod_seq();
  Result<SequenceSet> sequence_set();

  Result<std::string> flag();
  // Flags in parentheses, perhaps none; at most max_flags in `flags` together.
  Result<> flag_list(FlagList& flags);
  Result<> more_flag(FlagList& flags);

  // "1-Feb-1994", quoted or not.
  Result<std::chrono::sys_days> date();
  // " 1-Feb-1994 12:00:00 +0900" in quotes.
  Result<Time> date_time();

  // "(", things that `item` reads with one space between them, ")".  May be empty.
  template <class Item>
  Result<> list(Item item) {
    TRY_OK(expect('('));
    if (take(')')) return {};
    for (;;) {
      TRY_OK(item());
      bool spaced = take(' ');
      if (take(')')) return {};
      if (!spaced) return malformed("a list lacks a space or its )");
    }
  }

 private:
  Result<std::string> quoted(std::string_view what);
  Result<std::string> literal(std::string_view what);
  Result<std::string> run_or_string(std::string_view what, bool (*is_run_char)(char));

  Cursor in_;
};

// Each begins behind the command's name and reads to the end of the command.

Result<Command> parse_id(Parser& in);
Result<Command> parse_authenticate(Parser& in);
Result<Command> parse_login(Parser& in);
Result<Command> parse_enable(Parser& in);

Result<Command> parse_select(Parser& in);
Result<Command> parse_examine(Parser& in);
Result<Command> parse_create(Parser& in);
Result<Command> parse_status(Parser& in);
Result<Command> parse_list(Parser& in);
Result<Command> parse_lsub(Parser& in);
// "(MESSAGES UIDNEXT)".
Result<StatusItems> status_items(Parser& in);

Result<Command> parse_append(Parser& in);
Result<Command> parse_search(Parser& in, Numbers numbers);
Result<Command> parse_fetch(Parser& in, Numbers numbers);
Result<Command> parse_store(Parser& in, Numbers numbers);

}  // namespace todoke::imap
