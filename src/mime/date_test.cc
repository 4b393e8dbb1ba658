#include "mime/date.h"

#include <doctest/doctest.h>

#include <random>

using namespace todoke::mime;
using namespace std::chrono;

namespace {

// As UTC, so that one glance compares; "none" if there is no date.
std::string utc(std::string_view text) {
  auto date = parse_date(text);
  return date ? format_date({date->time, 0}) : "none";
}

}  // namespace

TEST_CASE("RFC 5322 §3.3 and §4.3") {
  auto date = parse_date("Fri, 21 Nov 1997 09:55:06 -0600");
  REQUIRE(date.has_value());
  CHECK(date->time == sys_days(1997y / November / 21) + 15h + 55min + 6s);
  CHECK(date->zone_minutes == -360);
  CHECK(format_date(*date) == "Fri, 21 Nov 1997 09:55:06 -0600");
  CHECK(utc("21 Nov 97 09:55:06 GMT") == "Fri, 21 Nov 1997 09:55:06 +0000");
  CHECK(utc("Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               "
            "-0330 (Newfoundland Time)") == "Fri, 14 Feb 1969 03:02:00 +0000");
  CHECK(utc("21 Nov 21 09:55 EST") == "Sun, 21 Nov 2021 14:55:00 +0000");
  CHECK(utc("21 Nov 103 09:55:06 Z") == "Fri, 21 Nov 2003 09:55:06 +0000");
  CHECK(utc("Mon, 1 Jan 2024 00:00:00 JST") == "Sun, 31 Dec 2023 15:00:00 +0000");
  CHECK(utc("1 Jan 2017 08:59:60 +0900") == "Sat, 31 Dec 2016 23:59:59 +0000");
  CHECK(utc("1 Jan 2024 00:00:00 A") == "Mon, 1 Jan 2024 00:00:00 +0000");
}

TEST_CASE("what is met in the wild") {
  const std::string expected = "Tue, 2 Jan 2024 03:04:05 +0000";
  for (std::string_view text :
       {"Tue, 2 Jan 2024 12:04:05 +0900 (JST)", "Tue, 02 January 2024 03:04:05",
        "2 Jan 2024 03:04:05 UT", "Tue Jan  2 03:04:05 2024", "Tue Jan  2 12:04:05 JST 2024",
        "2-Jan-2024 03:04:05 +0000", "02/Jan/2024:03:04:05 +0000", "2024-01-02T03:04:05Z",
        "2024-01-02 12:04:05.678+09:00", "2024/01/02 03:04:05", "Tue, 2 Jan 2024 12:04:05 GMT+0900",
        "tue,2 jan 2024 3:04:05 am", "Jan 2, 2024 3:04:05 AM GMT",
        "(x) Tue, 2 Jan 24 03:04:05 -0000"}) {
    CAPTURE(text);
    CHECK(utc(text) == expected);
  }
  for (std::string_view text :
       {"", "yesterday", "31 Feb 2024 00:00", "2024", "99 Jan 2024 00:00:00", "1 Jan 2024 25:00:00",
        "1 Jan 99999999999999999999 00:00", "((("}) {
    CAPTURE(text);
    CHECK(utc(text) == "none");
  }
}

TEST_CASE("format, then parse") {
  std::mt19937 random(2);
  for (int i = 0; i < 2'000; ++i) {
    Date date{sys_seconds(seconds(random())), static_cast<int>(random() % 1'560) - 720};
    CHECK(parse_date(format_date(date)) == date);
  }
}
