#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// One structured line per event, and one count per event name for the metrics page:
//   log::info("smtp.rcpt", {{"session", id}, {"to", to}, {"reply", 550}});
// Names are "module.event".  error: an operator must act; warn: will need to; info: one per
// transaction; debug: one per command.  Addresses from info on; never bodies or secrets.
namespace todoke::log {

enum class Level { debug, info, warn, error };

class Field {
 public:
  template <class T>
  Field(std::string_view name, const T& value) : name_(name) {
    if constexpr (std::is_same_v<T, bool>)
      value_ = value;
    else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
      value_ = static_cast<std::int64_t>(value);
    else if constexpr (std::is_floating_point_v<T>)
      value_ = static_cast<double>(value);
    else
      value_ = std::string_view(value);
  }
  std::string_view name() const { return name_; }
  const auto& value() const { return value_; }

 private:
  std::string_view name_;
  std::variant<std::string_view, std::int64_t, double, bool> value_;
};
using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view event, Fields fields);
bool enabled(Level level);

inline void debug(std::string_view event, Fields fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::info, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
  write(Level::warn, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::error, event, fields);
}

enum class Format { text, json };
struct Options {
  Level level = Level::info;
  Format format = Format::text;
  std::string file;  // empty: standard error
};
// Starts the writer; until then lines of `warn` and above go to standard error at once.
// Lines are written by a thread of their own, within a second; errors at once.  If the reader of
// the log falls behind by 16 MiB, lines are dropped and their number is told.
void start(const Options& options);
// Writes what is pending and returns to the state before start().
void stop();
// Opens the file anew, after a rotation moved it away.
void reopen();

}  // namespace todoke::log
