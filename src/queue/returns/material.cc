#include "queue/returns/material.h"

#include "base/ascii.h"
#include "mime/address.h"
#include "mime/text.h"
#include "queue/returns/reply_words.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace todoke::queue {
namespace {

constexpr std::size_t max_text = 256 * 1024;
constexpr std::size_t max_field = 2'000;

// The words of an HTML text, good enough to look for addresses and phrases.
std::string html_words(std::string_view html) {
  constexpr std::pair<std::string_view, char> entities[] = {{"&lt;", '<'},   {"&gt;", '>'},
                                                            {"&amp;", '&'},  {"&quot;", '"'},
                                                            {"&nbsp;", ' '}, {"&#64;", '@'}};
  constexpr std::string_view breaks[] = {"br", "p", "/p", "div", "/div", "tr", "/tr", "li", "pre"};
  constexpr std::size_t longest_break = 5;
  std::string out;
  for (std::size_t at = 0; at < html.size();) {
    auto rest = html.substr(at);
    if (rest.front() == '<') {
      constexpr std::size_t longest_tag = 500;
      auto end = rest.substr(0, longest_tag).find('>');
      auto name = rest.substr(1, longest_break);
      name = name.substr(0, name.find_first_of(" />\t\r\n", 1));
      if (std::ranges::any_of(breaks, [&](auto b) { return ascii::equal_ignoring_case(b, name); }))
        out += '\n';
      at += end == std::string_view::npos ? 1 : end + 1;
    } else if (rest.front() == '&') {
      const auto* entity =
          std::ranges::find_if(entities, [&](const auto& e) { return rest.starts_with(e.first); });
      bool known = entity != std::end(entities);
      out += known ? entity->second : '&';
      at += known ? entity->first.size() : 1;
    } else {
      out += rest.front() == '\r' || rest.front() == '\n' ? ' ' : rest.front();
      ++at;
    }
  }
  return out;
}

// Where a line begins that announces the returned mail, in a text without parts; npos: nowhere.
struct Separator {
  std::size_t begin = std::string_view::npos;
  std::size_t end = 0;
};

// `behind` is what follows the line.
bool announces_original(std::string_view line, std::string_view behind) {
  auto lower = ascii::to_lower(ascii::trim(line.substr(0, 200)));
  if (lower.starts_with("content-type: message/rfc822") ||
      lower.starts_with("original message headers:") ||
      lower.starts_with("original message follows") || lower.starts_with("message headers follow"))
    return true;
  if (!lower.starts_with("---")) return false;
  if (lower.size() >= 40 && lower.find_first_not_of('-') == std::string::npos) {
    // Dashes alone may be an ornament.
    auto next = behind.substr(std::min(behind.find_first_not_of("\r\n"), behind.size()));
    auto next_line = next.substr(0, std::min(next.find('\n'), std::size_t{200}));
    return mime::classify_header_line(next_line) == mime::HeaderLine::field;
  }
  return contains_any(
      lower, {"original message", "original mail", "returned message", "returned mail",
              "copy of the message", "copy of your message", "unsent message",
              "message header follows", "header of the original", "元のメッセージ", "元のメール"});
}

Separator find_original(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto behind = text.substr(std::min(end + 1, text.size()));
    if (announces_original(line, behind)) return {at, text.size() - behind.size()};
    at = end + 1;
  }
  return {};
}

std::string_view skip_blank_lines(std::string_view text) {
  auto begin = text.find_first_not_of("\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// Messages within messages keep their parts to themselves.
bool belongs_to_message(const mime::Structure& structure, int part) {
  const auto& parts = structure.parts;
  for (auto at = parts[static_cast<std::size_t>(part)].parent; at >= 0;
       at = parts[static_cast<std::size_t>(at)].parent)
    if (parts[static_cast<std::size_t>(at)].is_message()) return false;
  return true;
}

std::optional<ReturnedOriginal> original_part(const Material& m) {
  for (auto subtype : {"rfc822", "global"}) {
    auto part = m.find_part("message", subtype);
    if (part < 0) continue;
    const auto& p = m.structure.parts[static_cast<std::size_t>(part)];
    auto body = m.message.substr(p.body_begin, p.size());
    if (p.encoding == "base64" || p.encoding == "quoted-printable")
      return read_original(mime::decoded_bytes(p, body));
    return read_original(body);
  }
  for (auto [type, subtype] : {std::pair{"text", "rfc822-headers"},
                               {"text", "rfc822-header"},
                               {"message", "global-headers"}}) {
    auto part = m.find_part(type, subtype);
    if (part >= 0) return read_original(skip_blank_lines(m.part_bytes(part)));
  }
  return {};
}

std::string first_text(const Material& m) {
  for (auto subtype : {"plain", "html"}) {
    auto part = m.find_part("text", subtype);
    // A mail without any text may still be one broken part.
    if (part < 0) continue;
    const auto& p = m.structure.parts[static_cast<std::size_t>(part)];
    auto text = mime::decoded_text(p, m.message.substr(p.body_begin, p.size()), max_text);
    return p.subtype == "html" ? html_words(text) : text;
  }
  return {};
}

}  // namespace

std::string bare_identifier(std::string_view text) {
  auto open = text.find('<');
  if (open != std::string_view::npos) text = text.substr(open + 1);
  text = text.substr(0, text.find('>'));
  return one_line(ascii::trim(text), max_field);
}

ReturnedOriginal read_original(std::string_view header_block) {
  ReturnedOriginal original;
  auto value = [](const mime::HeaderField& f) {
    return one_line(mime::unfold(f.raw_value.substr(0, 4 * max_field)), max_field);
  };
  for (const auto& field : mime::split_header(header_block)) {
    auto name = ascii::to_lower(field.name.substr(0, 100));
    auto keep_first = [&](std::string& into) {
      if (into.empty()) into = value(field);
    };
    if (name == "to") keep_first(original.to);
    if (name == "from") keep_first(original.from);
    if (name == "message-id" && original.message_id.empty())
      original.message_id = bare_identifier(value(field));
    if (name == "return-path" && original.reverse_path.empty())
      original.reverse_path = clean_address(value(field));
    bool extension = name.starts_with("x-") || name == "list-id" || name == "feedback-id";
    if (extension && original.extensions.size() < max_extension_fields)
      original.extensions.emplace_back(one_line(field.name, 100), value(field));
  }
  return original;
}

std::optional<std::string> Material::field(std::string_view name) const {
  const auto* found = mime::find_field(header, name);
  if (found == nullptr) return {};
  return one_line(mime::unfold(found->raw_value.substr(0, 4 * max_field)), max_field);
}

int Material::find_part(std::string_view type, std::string_view subtype) const {
  for (std::size_t i = 0; i < structure.parts.size(); ++i) {
    const auto& part = structure.parts[i];
    auto index = static_cast<int>(i);
    if (part.type == type && part.subtype == subtype && belongs_to_message(structure, index))
      return index;
  }
  return -1;
}

std::string Material::part_bytes(int part) const {
  const auto& p = structure.parts[static_cast<std::size_t>(part)];
  return mime::decoded_bytes(p, message.substr(p.body_begin, p.size()));
}

bool Material::from_daemon() const {
  auto local = std::string_view(from_address).substr(0, from_address.find('@'));
  for (auto name : {"mailer-daemon", "mailer_daemon", "mailerdaemon", "postmaster", "mail-daemon",
                    "mdaemon", "mail.daemon", "microsoftexchange"})
    if (local.starts_with(name)) return true;
  return contains_any(
      from_lower, {"mail delivery", "mail deliver system", "delivery subsystem", "mailer-daemon",
                   "system administrator", "delivery status", "配送システム", "配信システム"});
}

Material lay_out(std::string_view message, std::string_view reverse_path) {
  Material m;
  m.message = message.substr(0, max_return);
  m.null_reverse_path = reverse_path.empty() || reverse_path == "<>";
  m.structure = mime::parse_structure(m.message);
  m.header = mime::split_header(m.message);
  auto decoded = [&](std::string_view name) {
    const auto* found = mime::find_field(m.header, name);
    if (found == nullptr) return std::string();
    return one_line(mime::header_text(found->raw_value.substr(0, 4 * max_field)), max_field);
  };
  m.subject = decoded("Subject");
  m.subject_lower = ascii::to_lower(m.subject);
  m.from_lower = ascii::to_lower(decoded("From"));
  for (const auto& address : m.structure.envelope.from)
    if (m.from_address.empty() && address.kind == mime::Address::Kind::mailbox)
      m.from_address = ascii::to_lower(mime::addr_spec(address));
  m.text = first_text(m);
  m.original = original_part(m);
  if (auto separator = find_original(m.text); separator.begin != std::string_view::npos) {
    if (!m.original) {
      auto rest = skip_blank_lines(std::string_view(m.text).substr(separator.end));
      // What announced it may be the media type of a part that was flattened into the text.
      if (auto block = read_original(rest); !block.message_id.empty() || !block.to.empty())
        m.original = std::move(block);
    }
    m.text.resize(separator.begin);
  }
  m.text_lower = ascii::to_lower(m.text);
  return m;
}

}  // namespace todoke::queue
