#include "delivery/preview.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/text.h"

#include <algorithm>

namespace todoke::delivery {
namespace {

constexpr std::size_t max_characters = 200;

const mime::Part* first_text(const mime::Structure& structure) {
  const mime::Part* html = nullptr;
  for (const auto& part : structure.parts) {
    if (part.type != "text" || part.disposition == "attachment") continue;
    if (part.subtype != "html") return &part;
    if (html == nullptr) html = &part;
  }
  return html;
}

// Drops tags, and with style and script what is between them.  For a few visible words only:
// nothing shown is trusted to be free of markup because of this.
std::string without_markup(std::string_view html) {
  std::string out;
  while (!html.empty()) {
    auto open = html.find('<');
    out += html.substr(0, open);
    if (open == html.npos) break;
    html.remove_prefix(open);
    bool hidden = ascii::starts_with_ignoring_case(html, "<style") ||
                  ascii::starts_with_ignoring_case(html, "<script");
    if (hidden) {
      auto close = html.find("</");
      html.remove_prefix(std::min(close, html.size()));
    }
    auto close = html.find('>');
    html.remove_prefix(std::min(close, html.size() - 1) + 1);
    out += ' ';
  }
  return out;
}

}  // namespace

std::string preview(const mime::Structure& structure, std::string_view beginning) {
  const auto* part = first_text(structure);
  if (part == nullptr || part->body_begin >= beginning.size()) return {};
  auto body = beginning.substr(part->body_begin, part->size());
  auto text = mime::decoded_text(*part, body, part->subtype == "html" ? 8192 : 2048);
  if (part->subtype == "html") text = without_markup(text);
  std::string out;
  std::size_t characters = 0;
  bool space = false;
  for (std::string_view rest = text; !rest.empty() && characters < max_characters;) {
    auto length = std::max<std::size_t>(utf8_sequence(rest), 1);
    auto character = rest.substr(0, length);
    rest.remove_prefix(length);
    if (length == 1 && (ascii::is_control(character[0]) || character[0] == ' ')) {
      space = !out.empty();
      continue;
    }
    if (std::exchange(space, false)) {
      out += ' ';
      ++characters;
    }
    out += character;
    ++characters;
  }
  return out;
}

}  // namespace todoke::delivery
