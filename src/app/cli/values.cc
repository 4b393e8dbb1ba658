#include "app/cli/values.h"

#include "app/admin/arguments.h"
#include "base/ascii.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

namespace todoke::app {
namespace {

constexpr double largest = 1e18;

Result<json::value> read_number(const Parameter& parameter, std::string_view text) {
  auto number = ascii::to_number(text);
  if (!number || *number > static_cast<std::uint64_t>(largest))
    return fail(Errc::invalid,
                fmt::format("{} must be a number, not \"{}\"", parameter.name, text));
  return json::value(static_cast<std::int64_t>(*number));
}

Result<json::value> read_value(const Parameter& parameter, const std::string& text) {
  switch (parameter.kind) {
    case Kind::flag:
      return json::value(true);
    case Kind::yes_no:
      return json::value(text == "yes");
    case Kind::number:
      return read_number(parameter, text);
    case Kind::limit:
      if (text == "none") return json::value(nullptr);
      return read_number(parameter, text);
    case Kind::size: {
      if (text == "none") return json::value(nullptr);
      auto size = parse_size(text);
      if (!size)
        return fail(Errc::invalid, fmt::format("{} must be a size such as 500MB or 10GB, or none, "
                                               "not \"{}\"",
                                               parameter.name, text));
      return json::value(*size);
    }
    case Kind::path:
      return json::value(std::filesystem::absolute(text).lexically_normal().string());
    case Kind::text:
    case Kind::secret:
      return json::value(text);
  }
  std::unreachable();
}

}  // namespace

Result<json::object> read_values(const Invocation& invocation) {
  json::object args;
  for (const auto& [parameter, text] : invocation.given) {
    TRY(args[parameter->name], read_value(*parameter, text));
  }
  return args;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return {};
  auto unit =
      ascii::to_upper(ascii::trim(text.substr(static_cast<std::size_t>(end - text.data()))));
  double base = 1000;
  if (unit.ends_with("IB")) {
    base = 1024;
    unit.resize(unit.size() - 2);
  } else if (unit.ends_with('B')) {
    unit.pop_back();
  }
  if (!unit.empty()) {
    auto power = std::string_view("KMGT").find(unit);
    if (unit.size() != 1 || power == std::string_view::npos) return {};
    for (std::size_t i = 0; i <= power; ++i) number *= base;
  }
  if (!(number < largest)) return {};
  return static_cast<std::int64_t>(number);
}

}  // namespace todoke::app
