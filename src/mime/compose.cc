#include "mime/compose.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/limits.h"
#include "mime/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace todoke::mime {
namespace {

constexpr std::size_t longest_line = 998;

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\r' || c == '\n') {
      out += "\r\n";
    } else {
      out += c;
    }
  }
  return out;
}

// Whether text can go as 7bit (RFC 2045 §2.7) and arrive unchanged: "From " and lone dots are what
// stores and senders touch, white space at line ends is what they lose.
bool is_safe_7bit(std::string_view crlf_text) {
  for (std::size_t at = 0; at < crlf_text.size();) {
    auto end = std::min(crlf_text.find("\r\n", at), crlf_text.size());
    auto line = crlf_text.substr(at, end - at);
    auto bad = [](char c) { return ascii::is_8bit(c) || (ascii::is_control(c) && c != '\t'); };
    if (line.size() > longest_line || std::ranges::any_of(line, bad)) return false;
    if (line.starts_with("From ") || line == "." || (!line.empty() && ascii::is_space(line.back())))
      return false;
    at = end + 2;
  }
  return true;
}

// FNV-1a: boundaries need to differ, not to be secret.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 14695981039346656037U;
  for (unsigned char c : text) value = (value ^ c) * 1099511628211U;
  return value;
}

class Composer {
 public:
  explicit Composer(std::string_view seed) : seed_(hash(seed)) {}

  // Adds the content fields to `header` and answers header, blank line and body.
  Result<std::string> write(HeaderWriter header, const Entity& entity, std::size_t depth) {
    if (depth > max_depth) return fail(Errc::invalid, "parts nested too deep");
    bool is_multipart = ascii::equal_ignoring_case(entity.type, "multipart");
    if (is_multipart != !entity.children.empty() || (is_multipart && !entity.content.empty()))
      return fail(Errc::invalid, "a multipart has children and nothing else");
    auto parameters = entity.parameters;
    std::string body, encoding = "7bit";
    if (is_multipart) {
      TRY(auto parts, write_children(entity, depth));
      auto boundary = choose_boundary(parts);
      parameters.push_back({"boundary", boundary});
      for (const auto& part : parts) body += "--" + boundary + "\r\n" + part + "\r\n";
      body += "--" + boundary + "--\r\n";
    } else {
      TRY_OK(write_leaf(entity, parameters, body, encoding));
    }
    TRY_OK(header.parameters("Content-Type", entity.type + "/" + entity.subtype, parameters));
    if (!is_multipart) {
      TRY_OK(header.structured("Content-Transfer-Encoding", encoding));
    }
    TRY_OK(write_fields(header, entity));
    return std::move(header).take() + "\r\n" + body;
  }

 private:
  Result<std::vector<std::string>> write_children(const Entity& entity, std::size_t depth) {
    std::vector<std::string> parts;
    for (const auto& child : entity.children) {
      TRY(auto part, write(HeaderWriter(), child, depth + 1));
      parts.push_back(std::move(part));
    }
    return parts;
  }

  // "=_" can stand neither in quoted-printable nor in base64; for 7bit text we look.
  std::string choose_boundary(const std::vector<std::string>& parts) {
    for (;;) {
      auto boundary = fmt::format("=_{:016x}.{}", seed_, ++boundaries_);
      auto holds = [&](const std::string& part) {
        return part.find(boundary) != std::string::npos;
      };
      if (std::ranges::none_of(parts, holds)) return boundary;
    }
  }

  Result<> write_leaf(const Entity& entity, std::vector<Parameter>& parameters, std::string& body,
                      std::string& encoding) {
    if (ascii::equal_ignoring_case(entity.type, "message")) {
      body = with_crlf(entity.content);
      auto bad = [](char c) { return ascii::is_8bit(c) || c == '\0'; };
      // RFC 2046 §5.2.1 forbids to encode a message.
      if (std::ranges::any_of(body, bad) || has_long_line(body))
        return fail(Errc::invalid, "a message within a message must be 7bit");
    } else if (ascii::equal_ignoring_case(entity.type, "text")) {
      auto text = with_crlf(valid_utf8(entity.content));
      bool ascii_only = std::ranges::none_of(text, ascii::is_8bit);
      parameters.insert(parameters.begin(), {"charset", ascii_only ? "us-ascii" : "utf-8"});
      encode_text(std::move(text), body, encoding);
    } else {
      encoding = "base64";
      body = encode_base64_lines(entity.content);
    }
    return {};
  }

  static bool has_long_line(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find("\r\n", at), text.size());
      if (end - at > longest_line) return true;
      at = end + 2;
    }
    return false;
  }

  // Quoted-printable stays readable, but triples Japanese; whichever is shorter.
  static void encode_text(std::string text, std::string& body, std::string& encoding) {
    if (is_safe_7bit(text)) {
      body = std::move(text);
      return;
    }
    body = encode_quoted_printable(text);
    encoding = "quoted-printable";
    if (body.size() <= text.size() / 54 * 74) return;
    body = encode_base64_lines(text);
    encoding = "base64";
  }

  static Result<> write_fields(HeaderWriter& header, const Entity& entity) {
    if (!entity.disposition.empty() || !entity.file_name.empty()) {
      std::vector<Parameter> parameters;
      if (!entity.file_name.empty()) parameters.push_back({"filename", entity.file_name});
      auto disposition = entity.disposition.empty() ? "attachment" : entity.disposition;
      TRY_OK(header.parameters("Content-Disposition", disposition, parameters));
    }
    if (!entity.content_id.empty()) {
      TRY_OK(header.identifiers("Content-ID", {entity.content_id}));
    }
    if (!entity.description.empty()) {
      TRY_OK(header.text("Content-Description", entity.description));
    }
    return {};
  }

  std::uint64_t seed_;
  int boundaries_ = 0;
};

}  // namespace

Entity text_entity(std::string subtype, std::string utf8) {
  Entity entity;
  entity.subtype = std::move(subtype);
  entity.content = std::move(utf8);
  return entity;
}

Entity attachment(std::string type, std::string subtype, std::string file_name, std::string bytes) {
  Entity entity;
  entity.type = std::move(type);
  entity.subtype = std::move(subtype);
  entity.disposition = "attachment";
  entity.file_name = std::move(file_name);
  entity.content = std::move(bytes);
  return entity;
}

Entity multipart(std::string subtype, std::vector<Entity> children) {
  Entity entity;
  entity.type = "multipart";
  entity.subtype = std::move(subtype);
  entity.children = std::move(children);
  return entity;
}

Result<std::string> compose(HeaderWriter header, const Entity& body,
                            std::string_view boundary_seed) {
  TRY_OK(header.structured("MIME-Version", "1.0"));
  return Composer(boundary_seed).write(std::move(header), body, 0);
}

Result<std::string> compose(const Letter& letter) {
  HeaderWriter header(letter.address_charset);
  TRY_OK(header.date("Date", letter.date));
  if (letter.from.empty()) return fail(Errc::invalid, "a letter needs a sender");
  TRY_OK(header.addresses("From", letter.from));
  if (letter.sender) {
    TRY_OK(header.addresses("Sender", {*letter.sender}));
  }
  if (!letter.reply_to.empty()) {
    TRY_OK(header.addresses("Reply-To", letter.reply_to));
  }
  if (!letter.to.empty()) {
    TRY_OK(header.addresses("To", letter.to));
  }
  if (!letter.cc.empty()) {
    TRY_OK(header.addresses("Cc", letter.cc));
  }
  TRY_OK(header.identifiers("Message-ID", {letter.message_id}));
  if (!letter.in_reply_to.empty()) {
    TRY_OK(header.identifiers("In-Reply-To", letter.in_reply_to));
  }
  if (!letter.references.empty()) {
    TRY_OK(header.identifiers("References", letter.references));
  }
  TRY_OK(header.text("Subject", letter.subject));
  for (const auto& [name, value] : letter.extra) {
    TRY_OK(header.text(name, value));
  }

  auto body = text_entity("plain", letter.text);
  if (!letter.html.empty())
    body = multipart("alternative", {std::move(body), text_entity("html", letter.html)});
  if (!letter.attachments.empty()) {
    std::vector<Entity> parts{std::move(body)};
    parts.insert(parts.end(), letter.attachments.begin(), letter.attachments.end());
    body = multipart("mixed", std::move(parts));
  }
  return compose(std::move(header), body, letter.message_id);
}

}  // namespace todoke::mime
