#include "app/admin/command.h"

#include "app/admin/arguments.h"
#include "app/admin/rooms.h"
#include "base/ascii.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace todoke::app {
namespace {

bool fits(const json::value& value, Kind kind) {
  switch (kind) {
    case Kind::number:
      return value.is_int64();
    case Kind::flag:
    case Kind::yes_no:
      return value.is_bool();
    case Kind::size:
    case Kind::limit:
      return value.is_null() || (value.is_int64() && value.get_int64() >= 0);
    case Kind::text:
    case Kind::path:
    case Kind::secret:
      return value.is_string() && value.get_string().find('\0') == json::string::npos;
  }
  std::unreachable();
}

bool is_choice(std::string_view choices, std::string_view value) {
  if (choices.empty()) return true;
  while (!choices.empty()) {
    auto one = choices.substr(0, choices.find(' '));
    if (one == value) return true;
    choices.remove_prefix(std::min(choices.size(), one.size() + 1));
  }
  return false;
}

constexpr std::pair<Errc, std::string_view> errc_names[] = {
    {Errc::invalid, "invalid"},         {Errc::not_found, "not_found"},
    {Errc::conflict, "conflict"},       {Errc::over_limit, "over_limit"},
    {Errc::too_many, "too_many"},       {Errc::denied, "denied"},
    {Errc::unavailable, "unavailable"}, {Errc::corrupt, "corrupt"},
};

}  // namespace

std::span<const Command* const> commands() {
  static const auto all = [] {
    std::vector<const Command*> found;
    for (auto room : {directory_commands(), account_commands(), mailbox_commands(),
                      queue_commands(), queue_show_commands(), hold_commands(),
                      smarthost_commands(), dkim_commands(), provider_commands(), care_commands()})
      for (const auto& command : room) found.push_back(&command);
    return found;
  }();
  return all;
}

const Command* find_command(std::string_view name) {
  auto found = std::ranges::find(commands(), name, &Command::name);
  return found != commands().end() ? *found : nullptr;
}

Result<> check_arguments(const Command& command, const json::object& args) {
  for (const auto& [name, value] : args) {
    auto known = std::ranges::find(command.parameters, std::string_view(name), &Parameter::name);
    if (known == command.parameters.end())
      return fail(Errc::invalid,
                  fmt::format("{} takes no \"{}\"", command.name, std::string_view(name)));
    if (!fits(value, known->kind))
      return fail(Errc::invalid, fmt::format("\"{}\" has the wrong type", known->name));
    if (value.is_string() && !is_choice(known->choices, value.get_string()))
      return fail(Errc::invalid, fmt::format("\"{}\" is one of: {}", known->name, known->choices));
  }
  for (const auto& parameter : command.parameters)
    if (parameter.place == Place::required && !args.contains(parameter.name))
      return fail(Errc::invalid, fmt::format("{} needs \"{}\"", command.name, parameter.name));
  return {};
}

Task<Result<json::value>> run_command(Installation& in, std::string name, directory::Actor actor,
                                      json::object args, Progress& progress) {
  const auto* command = find_command(name);
  if (command == nullptr) co_return fail(Errc::not_found, "there is no command " + name);
  CO_TRY_OK(check_arguments(*command, args));
  std::string why;
  try {
    auto task = command->run(in, std::move(actor), std::move(args), progress);
    co_return co_await std::move(task);
  } catch (const sql::Unavailable& e) {
    why = e.what();
  } catch (const blob::Unavailable& e) {
    why = e.what();
  }
  co_return fail(Errc::unavailable, std::move(why));
}

std::string_view errc_name(Errc code) {
  auto found = std::ranges::find(errc_names, code, &std::pair<Errc, std::string_view>::first);
  return found->second;
}

Errc errc_from_name(std::string_view name) {
  for (const auto& [code, text] : errc_names)
    if (text == name) return code;
  return Errc::unavailable;
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  auto wrong = [&] {
    return fail(Errc::invalid,
                fmt::format("\"{}\" is no time span: write 30m, 12h, 7d or 4w", text));
  };
  if (text.empty()) return wrong();
  auto number = ascii::to_number(text.substr(0, text.size() - 1));
  if (!number || *number > 100'000) return wrong();
  auto count = static_cast<std::int64_t>(*number);
  switch (text.back()) {
    case 'm':
      return std::chrono::minutes(count);
    case 'h':
      return std::chrono::hours(count);
    case 'd':
      return std::chrono::days(count);
    case 'w':
      return std::chrono::weeks(count);
    default:
      return wrong();
  }
}

}  // namespace todoke::app
