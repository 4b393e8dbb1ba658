#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

// Dates of messages (RFC 5322 §3.3, obsolete forms of §4.3).
namespace todoke::mime {

struct Date {
  std::chrono::sys_seconds time;
  int zone_minutes = 0;  // east of UTC is positive

  friend bool operator==(const Date&, const Date&) = default;
};

// Reads the RFC's forms and what is met in the wild: two- and three-digit years, names of zones,
// full names of months, no seconds, no zone (taken as UTC), comments, dashes and slashes between
// day, month and year, asctime's order, ISO 8601.  A second of 60 becomes 59.  Nothing if there is
// no date in it.
std::optional<Date> parse_date(std::string_view text);

// RFC 5322 §3.3: "Fri, 21 Nov 1997 09:55:06 -0600".
std::string format_date(const Date& date);

}  // namespace todoke::mime
