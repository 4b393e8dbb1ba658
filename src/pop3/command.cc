#include "pop3/command.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"

#include <algorithm>
#include <limits>

namespace todoke::pop3 {
namespace {

constexpr std::size_t max_mechanism = 20;  // RFC 4422 §3.1

std::string_view take_argument(Cursor& cursor) {
  cursor.skip_spaces();
  return cursor.take_until(" ");
}

// RFC 1939 §3 has decimal numbers only; ours end at 2³²-1.
Result<std::uint32_t> to_number(std::string_view text, std::string_view what) {
  auto number = ascii::to_number(text);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max())
    return fail(Errc::invalid, std::string(what) + " must be a number");
  return static_cast<std::uint32_t>(*number);
}

Result<MessageNumber> take_message(Cursor& cursor) {
  TRY(auto number, to_number(take_argument(cursor), "The message"));
  if (number == 0) return fail(Errc::invalid, "Messages are counted from 1");
  return number;
}

Result<> at_end(Cursor& cursor) {
  cursor.skip_spaces();
  if (!cursor.at_end()) return fail(Errc::invalid, "There are too many arguments");
  return {};
}

template <class C>
Result<Command> without_argument(Cursor& cursor) {
  if (!cursor.rest().empty()) return fail(Errc::invalid, "This command takes no argument");
  return C{};
}

template <class C>
Result<Command> with_message(Cursor& cursor) {
  TRY(auto message, take_message(cursor));
  TRY_OK(at_end(cursor));
  return C{message};
}

template <class C>
Result<Command> with_optional_message(Cursor& cursor) {
  if (cursor.at_end()) return C{};
  TRY(auto message, take_message(cursor));
  TRY_OK(at_end(cursor));
  return C{message};
}

Result<Command> parse_user(Cursor& cursor) {
  cursor.skip_spaces();
  if (cursor.at_end()) return fail(Errc::invalid, "The command is: USER name");
  return User{std::string(cursor.rest())};
}

// RFC 1939 §7: PASS has one argument, so blanks belong to the password.
Result<Command> parse_pass(std::string_view rest) {
  if (rest.size() < 2) return fail(Errc::invalid, "The command is: PASS password");
  return Pass{std::string(rest.substr(1))};
}

Result<Command> parse_apop(Cursor& cursor) {
  auto name = take_argument(cursor);
  auto digest = take_argument(cursor);
  TRY_OK(at_end(cursor));
  if (digest.empty()) return fail(Errc::invalid, "The command is: APOP name digest");
  return Apop{std::string(name), std::string(digest)};
}

Result<Command> parse_top(Cursor& cursor) {
  TRY(auto message, take_message(cursor));
  TRY(auto lines, to_number(take_argument(cursor), "The count of lines"));
  TRY_OK(at_end(cursor));
  return Top{message, lines};
}

// RFC 5034 §4.
Result<Command> parse_auth(Cursor& cursor) {
  auto mechanism = take_argument(cursor);
  auto is_mechanism_byte = [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_'; };
  if (mechanism.size() > max_mechanism || !std::ranges::all_of(mechanism, is_mechanism_byte))
    return fail(Errc::invalid, "The command is: AUTH mechanism [initial response]");
  Auth auth{.mechanism = ascii::to_upper(mechanism), .initial = {}};
  cursor.skip_spaces();
  if (cursor.at_end()) return auth;
  auth.initial = base64_decode(cursor.rest() == "=" ? "" : cursor.rest());
  if (!auth.initial) return fail(Errc::invalid, "The response is not base64");
  return auth;
}

// RFC 6856 §3; a language tag is of RFC 5646 §2.1.
Result<Command> parse_lang(Cursor& cursor) {
  auto language = take_argument(cursor);
  TRY_OK(at_end(cursor));
  auto is_tag_byte = [](char c) { return ascii::is_alnum(c) || c == '-'; };
  if (language != "*" && !std::ranges::all_of(language, is_tag_byte))
    return fail(Errc::invalid, "This is no language tag");
  return Lang{std::string(language)};
}

Result<Command> parse_keyword(std::string_view word, Cursor& cursor) {
  using ascii::keyword;
  switch (keyword(word)) {
    case keyword("USER"):
      return parse_user(cursor);
    case keyword("APOP"):
      return parse_apop(cursor);
    case keyword("STAT"):
      return without_argument<Stat>(cursor);
    case keyword("LIST"):
      return with_optional_message<List>(cursor);
    case keyword("UIDL"):
      return with_optional_message<Uidl>(cursor);
    case keyword("RETR"):
      return with_message<Retr>(cursor);
    case keyword("DELE"):
      return with_message<Dele>(cursor);
    case keyword("TOP"):
      return parse_top(cursor);
    case keyword("NOOP"):
      return without_argument<Noop>(cursor);
    case keyword("RSET"):
      return without_argument<Rset>(cursor);
    case keyword("QUIT"):
      return without_argument<Quit>(cursor);
    case keyword("CAPA"):
      return without_argument<Capa>(cursor);
    case keyword("STLS"):
      return without_argument<Stls>(cursor);
    case keyword("AUTH"):
      return parse_auth(cursor);
    case keyword("UTF8"):
      return without_argument<Utf8>(cursor);
    case keyword("LANG"):
      return parse_lang(cursor);
    default:
      return fail(Errc::invalid, "This is no command we know");
  }
}

}  // namespace

Result<Command> parse_command(std::string_view line) {
  if (std::ranges::any_of(line, ascii::is_control))
    return fail(Errc::invalid, "Control characters are not allowed");
  Cursor whole(line);
  auto word = whole.take_until(" ");
  if (ascii::keyword(word) == ascii::keyword("PASS")) return parse_pass(whole.rest());
  Cursor arguments(ascii::trim(whole.rest()));
  return parse_keyword(word, arguments);
}

}  // namespace todoke::pop3
