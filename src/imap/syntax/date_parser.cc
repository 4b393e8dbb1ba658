#include "imap/syntax/grammar.h"
#include "imap/syntax/parser.h"

#include <algorithm>

// Dates of SEARCH and APPEND: RFC 9051 §9 "date" and "date-time".
namespace todoke::imap {
namespace {

std::optional<int> digits(Cursor& in, std::size_t least, std::size_t most) {
  auto text = in.take_while(ascii::is_digit);
  if (text.size() < least || text.size() > most) return {};
  return static_cast<int>(ascii::to_number(text).value_or(0));
}

// "1-Feb-1994"; nothing when there is no such day.
std::optional<std::chrono::sys_days> read_day(Cursor& in) {
  auto day = digits(in, 1, 2);
  if (!day || !in.take('-')) return {};
  auto name = in.take_while(ascii::is_alpha);
  auto is_it = [&](std::string_view month) { return ascii::equal_ignoring_case(month, name); };
  auto month = std::ranges::find_if(month_names, is_it);
  if (month == month_names.end() || !in.take('-')) return {};
  auto year = digits(in, 4, 4);
  if (!year) return {};
  auto number = static_cast<unsigned>(month - month_names.begin()) + 1;
  std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(number),
                                   std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return {};
  return std::chrono::sys_days(date);
}

// "12:00:00 +0900", as what is to be added to the day.  A leap second counts as the one before.
std::optional<std::chrono::seconds> read_time(Cursor& in) {
  auto hour = digits(in, 2, 2);
  if (!hour || *hour > 23 || !in.take(':')) return {};
  auto minute = digits(in, 2, 2);
  if (!minute || *minute > 59 || !in.take(':')) return {};
  auto second = digits(in, 2, 2);
  if (!second || *second > 60 || !in.take(' ')) return {};
  bool east = in.take('+');
  if (!east && !in.take('-')) return {};
  auto zone = digits(in, 4, 4);
  if (!zone || *zone / 100 > 23 || *zone % 100 > 59) return {};
  auto zone_seconds = (*zone / 100 * 60 + *zone % 100) * 60;
  return std::chrono::seconds((*hour * 60 + *minute) * 60 + std::min(*second, 59) +
                              (east ? -zone_seconds : zone_seconds));
}

}  // namespace

Result<std::chrono::sys_days> Parser::date() {
  bool is_quoted = in_.take('"');
  auto day = read_day(in_);
  if (!day || (is_quoted && !in_.take('"'))) return malformed("bad date, it is like 1-Feb-2026");
  return *day;
}

Result<Time> Parser::date_time() {
  auto wrong = [] { return malformed("bad date, it is like \"01-Feb-2026 12:00:00 +0900\""); };
  if (!in_.take('"')) return wrong();
  in_.take(' ');  // before a day of one digit
  auto day = read_day(in_);
  if (!day || !in_.take(' ')) return wrong();
  auto time = read_time(in_);
  if (!time || !in_.take('"')) return wrong();
  return Time(*day + *time);
}

}  // namespace todoke::imap
