#include "imap/syntax/writer.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "imap/syntax/grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace todoke::imap {
namespace {

// Longer text is sent as a literal, which old clients read more safely.
constexpr std::size_t longest_quoted = 1000;

void write_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void write_literal(std::string& out, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "{{{}}}\r\n", text.size());
  auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  std::replace(out.begin() + begin, out.end(), '\0', '?');
}

bool fits_quotes(std::string_view text) {
  auto breaks = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  return text.size() <= longest_quoted && std::ranges::none_of(text, breaks);
}

}  // namespace

void write_string(std::string& out, std::string_view text) {
  if (fits_quotes(text) && is_ascii(text))
    write_quoted(out, text);
  else
    write_literal(out, text);
}

void write_nstring(std::string& out, const std::optional<std::string>& text) {
  if (text)
    write_string(out, *text);
  else
    out += "NIL";
}

void write_astring(std::string& out, std::string_view text) {
  bool is_atom = !text.empty() && text.size() <= longest_quoted &&
                 std::ranges::all_of(text, is_astring_char) &&
                 !ascii::equal_ignoring_case(text, "NIL");
  if (is_atom)
    out += text;
  else
    write_string(out, text);
}

void write_mailbox(std::string& out, std::string_view name, NameForm form) {
  if (form == NameForm::modified_utf7) return write_astring(out, to_modified_utf7(name));
  if (fits_quotes(name) && is_utf8(name))
    write_quoted(out, name);
  else
    write_literal(out, name);
}

void write_date_time(std::string& out, Time at, int zone_minutes) {
  // The form has four digits for the year and two for the hours of the zone.
  zone_minutes = std::clamp(zone_minutes, -1439, 1439);
  constexpr std::chrono::sys_days first = std::chrono::year(0) / 1 / 2;
  constexpr std::chrono::sys_days last = std::chrono::year(9999) / 12 / 30;
  at = std::clamp(at, Time(first), Time(last)) + std::chrono::minutes(zone_minutes);
  auto day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  auto zone = std::abs(zone_minutes);
  fmt::format_to(std::back_inserter(out), "\"{:02}-{}-{:04} {:02}:{:02}:{:02} {}{:02}{:02}\"",
                 static_cast<unsigned>(date.day()),
                 month_names[static_cast<unsigned>(date.month()) - 1],
                 static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                 time.seconds().count(), zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

void write_text(std::string& out, std::string_view text) {
  while (!text.empty()) {
    auto length = std::max<std::size_t>(1, utf8_sequence(text));
    bool is_plain = !ascii::is_control(text[0]) && !ascii::is_8bit(text[0]);
    out += is_plain ? text[0] : '?';
    text.remove_prefix(length);
  }
}

}  // namespace todoke::imap
