#include "mime/parameter.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "base/encoding.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/limits.h"

#include <algorithm>
#include <optional>

namespace todoke::mime {
namespace {

// Spaces and comments; a comment that is not closed reaches to the end.
void skip_comments(Cursor& cursor) {
  for (;;) {
    cursor.skip_spaces();
    if (cursor.peek() != '(') return;
    int depth = 0;
    do {
      if (cursor.take('(')) {
        ++depth;
      } else if (cursor.take(')')) {
        --depth;
      } else {
        cursor.take('\\');
        cursor.take_bytes(1);
      }
    } while (depth > 0 && !cursor.at_end());
  }
}

std::string take_quoted(Cursor& cursor) {
  std::string value;
  while (!cursor.at_end() && !cursor.take('"')) {
    cursor.take('\\');
    value += cursor.take_bytes(1);
  }
  return value;
}

// File names are written without quotes although they hold spaces and parentheses.
bool is_file_name(std::string_view name) {
  auto base = name.substr(0, name.find('*'));
  return base == "filename" || base == "name";
}

std::string take_value(Cursor& cursor, std::string_view name) {
  if (is_file_name(name))
    cursor.skip_spaces();
  else
    skip_comments(cursor);
  if (cursor.take('"')) return take_quoted(cursor);
  auto text = cursor.take_until(is_file_name(name) ? ";" : "; \t(");
  return std::string(ascii::trim(text));
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::string> byte;
    if (text[i] == '%') byte = hex_decode(text.substr(i + 1, 2));
    if (byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// RFC 2231 §3, §4: `base*`, `base*3`, `base*3*`.
struct Section {
  std::string_view base;
  int number = -1;  // -1: the parameter is not continued
  bool encoded = false;
  std::string_view value;
};

Section to_section(const Parameter& parameter) {
  std::string_view name = parameter.name;
  Section whole{name, -1, false, parameter.value};
  auto star = name.find('*');
  if (star == std::string_view::npos || star == 0) return whole;
  Section section{name.substr(0, star), -1, false, parameter.value};
  auto rest = name.substr(star + 1);
  section.encoded = rest.empty() || rest.ends_with('*');
  if (rest.empty()) return section;
  if (section.encoded) rest.remove_suffix(1);
  auto number = ascii::to_number(rest);
  if (!number || *number > 9'999) return whole;
  section.number = static_cast<int>(*number);
  return section;
}

// Joins the sections of one parameter, in order of their numbers, and converts them.
std::string join(std::vector<Section> sections) {
  // `base*` makes the rest unneeded: it is the same value again for older readers.
  if (sections[0].number == -1) sections.resize(1);
  std::string bytes, charset;
  bool encoded = false;
  for (auto& section : sections) {
    if (section.encoded && !encoded && &section == &sections[0]) {
      auto first = section.value.find('\'');
      auto second = first == std::string_view::npos ? first : section.value.find('\'', first + 1);
      if (second != std::string_view::npos) {
        charset = section.value.substr(0, first);
        section.value.remove_prefix(second + 1);
      }
    }
    encoded = encoded || section.encoded;
    bytes += section.encoded ? percent_decoded(section.value) : std::string(section.value);
  }
  return encoded ? to_utf8(bytes, charset) : decode_words(bytes);
}

std::vector<Parameter> decode(const std::vector<Parameter>& raw) {
  struct Entry {
    std::string_view base;
    std::string_view plain;
    std::vector<Section> sections;
  };
  std::vector<Entry> entries;
  for (const auto& parameter : raw) {
    auto section = to_section(parameter);
    auto entry = std::ranges::find(entries, section.base, &Entry::base);
    bool is_plain = section.number == -1 && !section.encoded;
    if (entry == entries.end()) {
      entry = entries.insert(entry, {section.base, {}, {}});
      if (is_plain) entry->plain = section.value;
    }
    auto& sections = entry->sections;
    auto place = std::ranges::upper_bound(sections, section.number, {}, &Section::number);
    if (!is_plain) sections.insert(place, section);
  }
  std::vector<Parameter> decoded;
  for (const auto& entry : entries) {
    std::string value;
    if (!entry.sections.empty()) {
      value = join(entry.sections);
    } else if (entry.base == "boundary") {
      value = entry.plain;  // "=?" may be part of one
    } else {
      value = decode_words(entry.plain);
    }
    decoded.push_back({std::string(entry.base), without_line_breaks(std::move(value))});
  }
  return decoded;
}

}  // namespace

const std::string* Parameters::find(std::string_view name) const {
  auto same = [&](const Parameter& p) { return ascii::equal_ignoring_case(p.name, name); };
  auto found = std::ranges::find_if(decoded, same);
  return found == decoded.end() ? nullptr : &found->value;
}

ParameterField parse_parameter_field(std::string_view raw_value) {
  auto text = header_to_utf8(unfold(raw_value));
  Cursor cursor(text);
  ParameterField field;
  skip_comments(cursor);
  field.value = cursor.take_until("; \t(");
  std::vector<Parameter> raw;
  while (!cursor.at_end()) {
    skip_comments(cursor);
    if (cursor.take(';') || cursor.take('"')) continue;
    auto name = ascii::to_lower(cursor.take_until("=; \t(\""));
    skip_comments(cursor);
    if (!cursor.take('=')) continue;
    auto value = take_value(cursor, name);
    if (name.empty()) continue;
    if (raw.size() == max_parameters) {
      field.truncated = true;
      break;
    }
    raw.push_back({std::move(name), std::move(value)});
  }
  field.parameters.decoded = decode(raw);
  if (raw != field.parameters.decoded) field.parameters.raw = std::move(raw);
  return field;
}

}  // namespace todoke::mime
