#include "app/cli/event_story.h"

#include "app/admin/arguments.h"
#include "app/cli/render.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

// Adds `more` to `line`, if there is any.
void add(std::string& line, std::string_view before, std::string_view more) {
  if (more.empty()) return;
  if (!line.empty()) line += before;
  line += printable(more);
}

// "deferred at RCPT: 450 4.2.2 mailbox full"
std::string what_happened(const json::object& event) {
  auto line = text(event, "event");
  add(line, " at ", text(event, "stage"));
  std::string said;
  if (auto code = number_if(event, "code")) said = fmt::format("{}", *code);
  add(said, " ", text(event, "enhanced"));
  add(said, " ", text(event, "breakdown"));
  add(said, " ", text(event, "text"));
  return said.empty() ? line : line + ": " + said;
}

// "mx.example.jp [192.0.2.1], TLSv1.3, docomo"
std::string who_was_there(const json::object& event) {
  auto line = printable(text(event, "host"));
  if (auto address = text(event, "address"); !address.empty())
    add(line, " ", fmt::format("[{}]", address));
  if (line.empty()) return line;
  auto tls = text(event, "tls");
  add(line, ", ", tls.empty() ? "without TLS" : tls);
  add(line, ", ", text(event, "provider"));
  return line;
}

// "full by rule docomo.full, after 0.213 s"
std::string how_it_was_taken(const json::object& event) {
  auto line = text(event, "class");
  add(line, " by rule ", text(event, "rule"));
  const auto* latency = event.if_contains("latency_ms");
  if (latency != nullptr && latency->is_number() && latency->to_number<double>() > 0)
    add(line, ", ", fmt::format("after {:.3f} s", latency->to_number<double>() / 1000));
  return line;
}

// "2026-11-22T02:51:00.123Z" → "2026-11-22 02:51:00"
std::string second_of(std::string_view at) {
  if (at.size() < 19) return printable(at);
  return fmt::format("{} {}", at.substr(0, 10), at.substr(11, 8));
}

}  // namespace

std::string event_story(const json::array& events, std::string_view indent) {
  std::string out;
  for (const auto& one : events) {
    if (!one.is_object()) continue;
    const auto& event = one.get_object();
    out += fmt::format("{}{}  {}\n", indent, second_of(text(event, "at")), what_happened(event));
    for (const auto& line : {who_was_there(event), how_it_was_taken(event)})
      if (!line.empty()) out += fmt::format("{}    {}\n", indent, line);
    const auto* dialogue = event.if_contains("dialogue");
    if (dialogue == nullptr || !dialogue->is_array()) continue;
    for (const auto& line : dialogue->get_array())
      if (line.is_string())
        out += fmt::format("{}    | {}\n", indent, printable(line.get_string()));
  }
  return out;
}

}  // namespace todoke::app
