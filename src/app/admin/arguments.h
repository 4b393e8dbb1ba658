#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <string_view>

// For the files that hold commands: reading checked arguments, and writing common answers.
namespace todoke::app {

namespace json = boost::json;

inline std::string text(const json::object& args, std::string_view name) {
  const auto* found = args.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}
inline std::optional<std::string> text_if(const json::object& args, std::string_view name) {
  if (const auto* found = args.if_contains(name); found != nullptr && found->is_string())
    return std::string(found->get_string());
  return {};
}
inline bool flag(const json::object& args, std::string_view name) {
  const auto* found = args.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}
inline std::optional<bool> flag_if(const json::object& args, std::string_view name) {
  if (const auto* found = args.if_contains(name); found != nullptr && found->is_bool())
    return found->get_bool();
  return {};
}
inline std::optional<std::int64_t> number_if(const json::object& args, std::string_view name) {
  if (const auto* found = args.if_contains(name); found != nullptr && found->is_int64())
    return found->get_int64();
  return {};
}
// A limit that can be taken away: absent, null ("none") or a number.
inline std::optional<std::optional<std::int64_t>> limit_if(const json::object& args,
                                                           std::string_view name) {
  const auto* found = args.if_contains(name);
  if (found == nullptr) return {};
  if (found->is_null()) return std::optional<std::int64_t>();
  return std::optional(found->get_int64());
}

inline json::value or_null(const std::optional<std::int64_t>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
inline json::value or_null(const std::optional<std::string>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}
inline json::value time_json(Time t) {
  return json::value(to_rfc3339(t));
}
inline json::value time_json(const std::optional<Time>& t) {
  return t ? time_json(*t) : json::value(nullptr);
}

// What a command that only does something answers: the words to print.
inline json::value done(std::string words) {
  json::object answer;
  answer["done"] = std::move(words);
  return answer;
}

// "30m", "12h", "7d", "4w" as a duration.
Result<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace todoke::app
