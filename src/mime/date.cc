#include "mime/date.h"

#include "base/ascii.h"
#include "base/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace todoke::mime {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

struct Zone {
  std::string_view name;
  int minutes;
};
// RFC 5322 §4.3, and three that mail in our part of the world carries.
constexpr std::array<Zone, 14> zones{{{"UT", 0},
                                      {"GMT", 0},
                                      {"UTC", 0},
                                      {"EST", -300},
                                      {"EDT", -240},
                                      {"CST", -360},
                                      {"CDT", -300},
                                      {"MST", -420},
                                      {"MDT", -360},
                                      {"PST", -480},
                                      {"PDT", -420},
                                      {"JST", 540},
                                      {"KST", 540},
                                      {"CEST", 120}}};

// Collects what the words of a date say, in whatever order they come.
class DateParser {
 public:
  explicit DateParser(std::string_view text) : cursor_(text) {}

  std::optional<Date> run() {
    while (!cursor_.at_end()) {
      char c = cursor_.peek();
      if (c == '(') {
        skip_comment();
      } else if (ascii::is_digit(c)) {
        take_number();
      } else if (ascii::is_alpha(c)) {
        take_name();
      } else if ((c == '+' || c == '-') && hour_ >= 0 && !zone_) {
        take_offset();
      } else {
        cursor_.take_bytes(1);
      }
    }
    return result();
  }

 private:
  void skip_comment() {
    int depth = 0;
    do {
      char c = cursor_.peek();
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
      cursor_.take_bytes(1);
    } while (depth > 0 && !cursor_.at_end());
  }

  // Digits; a run too long to mean anything is -1.
  int take_digits(std::size_t& length) {
    auto digits = cursor_.take_while(ascii::is_digit);
    length = digits.size();
    auto value = ascii::to_number(digits);
    return length <= 4 && value ? static_cast<int>(*value) : -1;
  }
  int take_digits() {
    std::size_t length = 0;
    return take_digits(length);
  }

  void take_number() {
    std::size_t length = 0;
    int value = take_digits(length);
    if (value < 0) return;
    if (cursor_.peek() == ':' && hour_ < 0 && length <= 2) return take_time(value);
    if (length >= 3 && year_ < 0) {
      year_ = length == 3 ? value + 1900 : value;  // RFC 5322 §4.3
      char separator = cursor_.peek();
      bool ordered = separator == '-' || separator == '/';
      if (month_ == 0 && day_ < 0 && ordered) take_iso_rest(separator);
    } else if (length <= 2 && day_ < 0) {
      day_ = value;
    } else if (length <= 2 && year_ < 0) {
      year_ = value < 50 ? value + 2000 : value + 1900;
    }
  }

  // "-11-21T" or "/11/21" behind a year.
  void take_iso_rest(char separator) {
    auto ahead = cursor_;
    cursor_.take(separator);
    int month = take_digits();
    bool second = cursor_.take(separator);
    int day = take_digits();
    if (month < 1 || month > 12 || !second || day < 1) {
      cursor_ = ahead;
      return;
    }
    month_ = month;
    day_ = day;
    cursor_.take_word("T");
  }

  void take_time(int hour) {
    hour_ = hour;
    cursor_.take(':');
    minute_ = take_digits();
    if (cursor_.take(':')) second_ = take_digits();
    if (cursor_.peek() == '.' || cursor_.peek() == ',') {
      auto ahead = cursor_;
      ahead.take_bytes(1);
      if (!ahead.take_while(ascii::is_digit).empty()) cursor_ = ahead;
    }
  }

  void take_name() {
    auto word = cursor_.take_while(ascii::is_alpha);
    if (word.size() >= 3 && month_ == 0) {
      for (std::size_t i = 0; i < months.size(); ++i)
        if (ascii::starts_with_ignoring_case(word, months[i])) month_ = static_cast<int>(i) + 1;
      if (month_ != 0) return;
    }
    if (hour_ < 0) return;  // the name of the day
    if (ascii::equal_ignoring_case(word, "PM") && hour_ < 12) hour_ += 12;
    if (ascii::equal_ignoring_case(word, "AM") && hour_ == 12) hour_ = 0;
    if (zone_) return;
    for (const auto& [name, minutes] : zones)
      if (ascii::equal_ignoring_case(word, name)) zone_ = minutes;
    // RFC 5322 §4.3: the single letters were defined wrongly once, so all of them mean UTC.
    if (word.size() == 1) zone_ = 0;
    // "GMT+0900" means the offset.
    if (zone_ == 0 && (cursor_.peek() == '+' || cursor_.peek() == '-')) zone_.reset();
  }

  void take_offset() {
    bool west = cursor_.peek() == '-';
    cursor_.take_bytes(1);
    std::size_t length = 0;
    int value = take_digits(length);
    if (value < 0) return;
    int minutes = length <= 2 ? value * 60 : value / 100 * 60 + value % 100;
    if (length <= 2 && cursor_.take(':')) minutes += std::max(0, take_digits());
    if (minutes < 24 * 60) zone_ = west ? -minutes : minutes;
  }

  std::optional<Date> result() const {
    using namespace std::chrono;
    if (year_ < 0 || month_ == 0 || day_ < 0) return {};
    year_month_day day{year(year_), month(static_cast<unsigned>(month_)),
                       std::chrono::day(static_cast<unsigned>(day_))};
    if (!day.ok() || minute_ < 0 || minute_ > 59 || hour_ > 23 || second_ < 0 || second_ > 60)
      return {};
    int zone = zone_.value_or(0);
    sys_seconds local = sys_days(day) + hours(std::max(0, hour_)) + minutes(minute_) +
                        seconds(std::min(59, second_));
    return Date{local - minutes(zone), zone};
  }

  Cursor cursor_;
  int year_ = -1;
  int month_ = 0;
  int day_ = -1;
  int hour_ = -1;
  int minute_ = 0;
  int second_ = 0;
  std::optional<int> zone_;
};

}  // namespace

std::optional<Date> parse_date(std::string_view text) {
  constexpr std::size_t longest = 512;
  return DateParser(text.substr(0, longest)).run();
}

std::string format_date(const Date& date) {
  using namespace std::chrono;
  auto local = date.time + minutes(date.zone_minutes);
  auto days = floor<std::chrono::days>(local);
  year_month_day day(days);
  hh_mm_ss clock(local - days);
  int zone = std::abs(date.zone_minutes);
  auto month_name = months[static_cast<unsigned>(day.month()) - 1];
  return fmt::format(
      "{}, {} {}{} {:04} {:02}:{:02}:{:02} {}{:02}{:02}", weekdays[weekday(days).c_encoding()],
      static_cast<unsigned>(day.day()), ascii::upper(month_name[0]), month_name.substr(1),
      static_cast<int>(day.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count(), date.zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}

}  // namespace todoke::mime
