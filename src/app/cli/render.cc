#include "app/cli/render.h"

#include "app/admin/arguments.h"
#include "app/check/finding.h"
#include "app/cli/event_story.h"
#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace todoke::app {
namespace {

struct Cell {
  std::string text;
  bool right = false;
};

bool is_size(std::string_view key) {
  return key.ends_with("_bytes");
}
bool is_duration(std::string_view key) {
  return key.ends_with("_seconds");
}
// To be copied as they are.
bool is_verbatim(std::string_view key) {
  return key == "zone";
}

// "quota_bytes" → "quota", "age_seconds" → "age"
std::string title(std::string_view key) {
  if (is_size(key)) key.remove_suffix(6);
  if (is_duration(key)) key.remove_suffix(8);
  if (key.ends_with("_at")) key.remove_suffix(3);
  std::string text(key);
  std::ranges::replace(text, '_', ' ');
  return text;
}

// "2026-11-22T02:51:00.123Z" → "2026-11-22 02:51 UTC"
std::string human_time(std::string_view text) {
  if (text.size() < 16) return printable(text);
  return fmt::format("{} {} UTC", text.substr(0, 10), text.substr(11, 5));
}

// 8040 → "2h 14m"
std::string human_duration(std::int64_t seconds) {
  auto two = [](std::int64_t large, char unit, std::int64_t small, char part) {
    return small == 0 ? fmt::format("{}{}", large, unit)
                      : fmt::format("{}{} {}{}", large, unit, small, part);
  };
  seconds = std::max<std::int64_t>(0, seconds);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86400) return two(seconds / 3600, 'h', seconds % 3600 / 60, 'm');
  return two(seconds / 86400, 'd', seconds % 86400 / 3600, 'h');
}

Cell cell(std::string_view key, const json::value& value);

// {"waiting": 2, "failed": 1} → "2 waiting, 1 failed"
std::string counts(const json::object& all) {
  std::string joined;
  for (const auto& [key, value] : all)
    joined += fmt::format("{}{} {}", joined.empty() ? "" : ", ", cell(key, value).text, title(key));
  return joined.empty() ? "-" : joined;
}

bool is_number(const json::key_value_pair& member) {
  return member.value().is_int64() || member.value().is_uint64();
}

Cell cell(std::string_view key, const json::value& value) {
  if (value.is_null()) {
    if (key == "organisation") return {"all", false};
    return {key == "quota_bytes" ? "no limit" : "-", false};
  }
  if (value.is_bool()) return {value.get_bool() ? "yes" : "no", false};
  if (value.is_int64() || value.is_uint64()) {
    auto number = value.to_number<std::int64_t>();
    if (is_duration(key)) return {human_duration(number), true};
    return {is_size(key) ? human_size(number) : fmt::format("{}", number), true};
  }
  if (value.is_double()) return {fmt::format("{:g}", value.get_double()), true};
  if (value.is_string()) {
    std::string_view text = value.get_string();
    if (key.ends_with("_at") || key == "at" || key == "useful_until")
      return {human_time(text), false};
    return {text.empty() ? "-" : printable(text), false};
  }
  if (value.is_array()) {
    std::string joined;
    for (const auto& one : value.get_array())
      joined += (joined.empty() ? "" : ", ") + cell("", one).text;
    return {joined.empty() ? "-" : joined, false};
  }
  if (const auto& members = value.get_object(); std::ranges::all_of(members, is_number))
    return {counts(members), false};
  return {printable(json::serialize(value)), false};
}

std::string table(const std::vector<std::vector<Cell>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], display_width(row[i].text));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i) {
      std::string space(widths[i] - display_width(row[i].text), ' ');
      line += (i > 0 ? "  " : "") + (row[i].right ? space + row[i].text : row[i].text + space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string list(const json::array& all, std::string_view indent) {
  std::vector<std::vector<Cell>> rows;
  for (const auto& one : all) {
    if (!one.is_object()) {
      rows.push_back({cell("", one)});
      continue;
    }
    std::vector<Cell> head, row;
    for (const auto& [key, value] : one.get_object()) {
      row.push_back(cell(key, value));
      head.push_back({title(key), row.back().right});
    }
    if (rows.empty()) rows.push_back(std::move(head));
    rows.push_back(std::move(row));
  }
  return table(rows, indent);
}

std::string findings(const std::vector<Finding>& all) {
  if (all.empty()) return "Nothing is wrong.\n";
  std::string out;
  for (const auto& one : all) {
    out += fmt::format("{} {}: {}\n", one.weight == Finding::Weight::error ? "ERROR  " : "warning",
                       one.area, printable(one.what));
    if (!one.advice.empty()) out += fmt::format("          → {}\n", printable(one.advice));
  }
  return out;
}

bool holds_objects(const json::value& value) {
  return value.is_array() && !value.get_array().empty() && value.get_array()[0].is_object();
}

std::string object(const json::object& all, std::string_view indent);

// Whether the things of a list hold lists of things themselves, so that a table will not do.
bool is_nested(const json::array& all) {
  auto is_list = [](const json::key_value_pair& member) {
    return member.key() == "events" || holds_objects(member.value());
  };
  return all[0].is_object() && std::ranges::any_of(all[0].get_object(), is_list);
}

// One below the other, with a line between.
std::string blocks(const json::array& all, std::string_view indent) {
  std::string out;
  for (const auto& one : all) {
    if (!one.is_object()) continue;
    if (!out.empty()) out += "\n";
    out += object(one.get_object(), indent);
  }
  return out;
}

std::string lines(const json::array& all) {
  std::string out;
  for (const auto& one : all) out += cell("", one).text + "\n";
  return out;
}

std::string object(const json::object& all, std::string_view indent) {
  std::vector<std::vector<Cell>> rows;
  std::string below;
  const auto deeper = std::string(indent) + "  ";
  for (const auto& [key, value] : all) {
    auto head = fmt::format("{}{}:\n", indent, title(key));
    if (key == "findings") {
      below += findings(findings_from_json(value));
    } else if (key == "events" && value.is_array()) {
      below += head + event_story(value.get_array(), deeper);
    } else if (is_verbatim(key) && value.is_array()) {
      below += head + lines(value.get_array());
    } else if (holds_objects(value)) {
      const auto& list_of = value.get_array();
      below += head + (is_nested(list_of) ? blocks(list_of, deeper) : list(list_of, deeper));
    } else {
      auto shown = cell(key, value);
      shown.right = false;
      rows.push_back({{title(key) + ":"}, std::move(shown)});
    }
  }
  return table(rows, indent) + below;
}

// Ranges of characters that take two columns (Unicode's East Asian Width W and F), coarsely.
bool is_wide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
         (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
         (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) || c >= 0x20000;
}

}  // namespace

std::string render(const json::value& answer) {
  if (answer.is_array())
    return answer.get_array().empty() ? "There are none.\n" : list(answer.get_array(), "");
  if (!answer.is_object()) return cell("", answer).text + "\n";
  if (const auto* words = answer.get_object().if_contains("done");
      words != nullptr && words->is_string())
    return printable(words->get_string()) + "\n";
  return object(answer.get_object(), "");
}

std::string human_size(std::int64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char* const units[] = {"kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (value /= 1000; value >= 999.95 && unit + 1 < std::size(units); value /= 1000) ++unit;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto length = utf8_sequence(text);
    auto first = static_cast<unsigned char>(text[0]);
    // C0, DEL, and C1 (U+0080 to U+009F, which begin with C2) are for terminals, not for readers.
    bool control = length == 0 || (length == 1 && (first < 32 || first == 127)) ||
                   (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
    length = std::max<std::size_t>(1, length);
    if (control)
      out += '?';
    else
      out += text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    auto length = std::max<std::size_t>(1, utf8_sequence(text));
    char32_t c = static_cast<unsigned char>(text[0]);
    if (length > 1) {
      c &= 0x7Fu >> length;
      for (std::size_t i = 1; i < length; ++i)
        c = c << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
    }
    width += is_wide(c) ? 2 : 1;
    text.remove_prefix(length);
  }
  return width;
}

}  // namespace todoke::app
