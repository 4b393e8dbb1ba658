#include "mime/header.h"

#include "base/ascii.h"
#include "mime/encoded_word.h"
#include "mime/limits.h"

#include <algorithm>

namespace todoke::mime {
namespace {

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

// RFC 5322 §3.6.8 names fields in printable ASCII; §4.5 lets white space stand before the colon.
HeaderLine classify_header_line(std::string_view line) {
  line = without_line_end(line);
  if (line.empty()) return HeaderLine::blank;
  if (ascii::is_space(line[0])) return HeaderLine::continuation;
  auto is_name = [](char c) { return c > 32 && c < 127 && c != ':'; };
  auto name_end = std::ranges::find_if_not(line, is_name);
  auto colon = std::find_if_not(name_end, line.end(), ascii::is_space);
  if (name_end != line.begin() && colon != line.end() && *colon == ':') return HeaderLine::field;
  if (line.starts_with("From ") || line.starts_with(">From ")) return HeaderLine::envelope;
  return HeaderLine::other;
}

std::vector<HeaderField> split_header(std::string_view block) {
  std::vector<HeaderField> fields;
  for (std::size_t at = 0; at < block.size();) {
    auto newline = block.find('\n', at);
    auto end = newline == std::string_view::npos ? block.size() : newline + 1;
    auto line = block.substr(at, end - at);
    switch (classify_header_line(line)) {
      case HeaderLine::field: {
        if (fields.size() == max_header_fields) return fields;
        auto colon = line.find(':');
        auto name = ascii::trim(line.substr(0, colon));
        fields.push_back({name, without_line_end(line.substr(colon + 1)), at, end});
        break;
      }
      case HeaderLine::continuation: {
        if (fields.empty()) return fields;
        auto& field = fields.back();
        auto value = static_cast<std::size_t>(field.raw_value.data() - block.data());
        field.end = end;
        field.raw_value = without_line_end(block.substr(value, end - value));
        break;
      }
      case HeaderLine::envelope:
        if (!fields.empty()) return fields;
        break;
      case HeaderLine::blank:
      case HeaderLine::other:
        return fields;
    }
    at = end;
  }
  return fields;
}

const HeaderField* find_field(const std::vector<HeaderField>& fields, std::string_view name) {
  auto same = [&](const HeaderField& f) { return ascii::equal_ignoring_case(f.name, name); };
  auto found = std::ranges::find_if(fields, same);
  return found == fields.end() ? nullptr : &*found;
}

std::string unfold(std::string_view raw_value) {
  std::string out(raw_value);
  std::erase_if(out, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
  return std::string(ascii::trim(out));
}

std::string header_text(std::string_view raw_value) {
  return decode_words(unfold(raw_value));
}

}  // namespace todoke::mime
