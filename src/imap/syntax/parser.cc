#include "imap/syntax/parser.h"

#include "imap/syntax/grammar.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace todoke::imap {
namespace {

using namespace std::string_view_literals;

constexpr bool is_list_char(char c) {
  return is_astring_char(c) || c == '*' || c == '%' || ascii::is_8bit(c);
}

constexpr bool is_loose_astring_char(char c) {
  return is_astring_char(c) || ascii::is_8bit(c);
}

}  // namespace

std::unexpected<Error> bad_word(std::string_view what, std::string_view word) {
  constexpr std::size_t longest_shown = 40;
  std::string text = "bad " + std::string(what);
  auto printable = [](char c) { return !ascii::is_control(c) && !ascii::is_8bit(c); };
  if (!word.empty() && word.size() <= longest_shown && std::ranges::all_of(word, printable))
    text += " " + std::string(word);
  return malformed(text);
}

Result<> Parser::end() {
  in_.take_while([](char c) { return c == ' '; });
  if (!in_.at_end()) return malformed("more than the command takes");
  return {};
}

Result<> Parser::space() {
  if (!in_.take(' ')) return malformed(at_end() ? "an argument is missing" : "a space is missing");
  return {};
}

Result<> Parser::expect(char c) {
  if (!in_.take(c)) return malformed(std::string("missing ") + c);
  return {};
}

std::string_view Parser::word() {
  return in_.take_while([](char c) { return ascii::is_alnum(c) || c == '-' || c == '.'; });
}

Result<std::string> Parser::atom(std::string_view what) {
  auto text = in_.take_while(is_atom_char);
  if (text.empty()) return malformed("missing " + std::string(what));
  return std::string(text);
}

Result<std::string> Parser::quoted(std::string_view what) {
  std::string text;
  in_.take('"');
  for (;;) {
    text += in_.take_until("\"\\\r\n\0"sv);
    if (in_.take('"')) return text;
    if (!in_.take('\\')) return malformed("the quotes of " + std::string(what) + " are not closed");
    char escaped = in_.peek();
    if (escaped != '"' && escaped != '\\')
      return malformed("a backslash in quotes stands before \" or \\ only");
    in_.take(escaped);
    text += escaped;
  }
}

Result<std::string> Parser::literal(std::string_view what) {
  in_.take('{');
  auto size = ascii::to_number(in_.take_while(ascii::is_digit));
  in_.take('+');
  if (!size || !in_.take('}') || !in_.take('\r') || !in_.take('\n'))
    return malformed("bad literal for " + std::string(what));
  if (*size > in_.rest().size()) return malformed("a literal is shorter than its size says");
  auto bytes = in_.take_bytes(static_cast<std::size_t>(*size));
  if (bytes.contains('\0')) return malformed("a literal holds NUL");
  return std::string(bytes);
}

Result<std::string> Parser::string(std::string_view what) {
  if (next_is('"')) return quoted(what);
  if (next_is('{')) return literal(what);
  return malformed("missing " + std::string(what));
}

Result<std::string> Parser::run_or_string(std::string_view what, bool (*is_run_char)(char)) {
  if (next_is('"') || next_is('{')) return string(what);
  auto text = in_.take_while(is_run_char);
  if (text.empty()) return malformed("missing " + std::string(what));
  return std::string(text);
}

Result<std::string> Parser::astring(std::string_view what) {
  return run_or_string(what, is_loose_astring_char);
}

Result<std::string> Parser::list_mailbox() {
  return run_or_string("mailbox pattern", is_list_char);
}

Result<std::optional<std::string>> Parser::nstring(std::string_view what) {
  if (in_.take_word("NIL")) return std::nullopt;
  return string(what);
}

Result<std::uint64_t> Parser::number(std::string_view what, std::uint64_t max) {
  auto digits = in_.take_while(ascii::is_digit);
  auto value = ascii::to_number(digits);
  if (!value || *value > max) return bad_word(what, digits);
  return *value;
}

Result<std::uint32_t> Parser::nz_number(std::string_view what) {
  TRY(auto value, number(what, std::numeric_limits<std::uint32_t>::max()));
  if (value == 0) return bad_word(what, "0");
  return static_cast<std::uint32_t>(value);
}

Result<std::uint64_t> Parser::mod_seq() {
  return number("mod-sequence", std::numeric_limits<std::int64_t>::max());
}

Result<SequenceSet> Parser::sequence_set() {
  auto is_set_char = [](char c) { return ascii::is_digit(c) || "*:,$"sv.contains(c); };
  return parse_sequence_set(in_.take_while(is_set_char));
}

// RFC 9051 §2.3.2.
Result<std::string> Parser::flag() {
  if (!in_.take('\\')) return atom("flag");
  auto name = in_.take_while(is_atom_char);
  for (std::string_view known : {"Answered", "Flagged", "Deleted", "Seen", "Draft"})
    if (ascii::equal_ignoring_case(name, known)) return "\\" + std::string(known);
  return bad_word("flag", "\\" + std::string(name));
}

Result<> Parser::more_flag(FlagList& flags) {
  if (flags.size() == max_flags) return fail(Errc::over_limit, "too many flags in one command");
  TRY(auto one, flag());
  flags.push_back(std::move(one));
  return {};
}

Result<> Parser::flag_list(FlagList& flags) {
  return list([&] { return more_flag(flags); });
}

}  // namespace todoke::imap
