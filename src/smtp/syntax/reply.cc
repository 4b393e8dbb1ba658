#include "smtp/syntax/reply.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "base/cursor.h"
#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace todoke::smtp {
namespace {

constexpr std::size_t max_reply_line = 512;  // RFC 5321 §4.5.3.1.5, CRLF included

void put_safe(std::string_view text, std::string& out) {
  while (!text.empty()) {
    auto length = utf8_sequence(text);
    if (length == 0)
      out += '?';
    else if (ascii::is_control(text.front()))
      out += ' ';
    else
      out += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

void render_line(const Reply& reply, std::string_view text, char separator, std::string& out) {
  auto begin = out.size();
  // The blank stands even before nothing: RFC 4954 §4 wants it in an empty challenge, "334 ".
  fmt::format_to(std::back_inserter(out), "{:03}{}", reply.code, separator);
  if (reply.enhanced) {
    out += to_text(*reply.enhanced);
    if (!text.empty()) out += ' ';
  }
  put_safe(utf8_prefix(text, max_reply_line - 2 - (out.size() - begin)), out);
  out += "\r\n";
}

// 1 to 3 digits.
std::optional<std::uint16_t> take_number(Cursor& cursor) {
  auto digits = cursor.take_while(ascii::is_digit);
  if (digits.size() > 3) return {};
  if (auto number = ascii::to_number(digits)) return static_cast<std::uint16_t>(*number);
  return {};
}

// RFC 3463 §2: class is 2, 4 or 5; subject and detail have one to three digits.
std::optional<EnhancedCode> take_enhanced_code(Cursor& cursor) {
  auto status_class = take_number(cursor);
  if (!status_class || (status_class != 2 && status_class != 4 && status_class != 5)) return {};
  if (!cursor.take('.')) return {};
  auto subject = take_number(cursor);
  if (!subject || !cursor.take('.')) return {};
  auto detail = take_number(cursor);
  if (!detail) return {};
  return EnhancedCode{static_cast<std::uint8_t>(*status_class), *subject, *detail};
}

std::optional<int> reply_code(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return {};
  if (!ascii::is_digit(line[1]) || !ascii::is_digit(line[2])) return {};
  if (line.size() > 3 && ascii::is_digit(line[3])) return {};
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

}  // namespace

std::string to_text(EnhancedCode code) {
  return fmt::format("{}.{}.{}", code.status_class, code.subject, code.detail);
}

std::optional<EnhancedCode> parse_enhanced_code(std::string_view text) {
  Cursor cursor(text);
  auto code = take_enhanced_code(cursor);
  return cursor.at_end() ? code : std::nullopt;
}

Reply make_reply(int code, std::string text) {
  Reply reply{.code = code, .enhanced = {}, .lines = {}};
  reply.lines.push_back(std::move(text));
  return reply;
}

Reply make_reply(int code, EnhancedCode enhanced, std::string text) {
  auto reply = make_reply(code, std::move(text));
  reply.enhanced = enhanced;
  return reply;
}

void render(const Reply& reply, std::string& out) {
  TODOKE_ASSERT(reply.code >= 200 && reply.code <= 599);
  if (reply.lines.empty()) return render_line(reply, "", ' ', out);
  for (std::size_t i = 0; i < reply.lines.size(); ++i)
    render_line(reply, reply.lines[i], i + 1 == reply.lines.size() ? ' ' : '-', out);
}

std::string render(const Reply& reply) {
  std::string out;
  render(reply, out);
  return out;
}

Result<bool> ReplyParser::add(std::string_view line) {
  auto code = reply_code(line);
  if (!code && reply_.lines.empty()) return fail(Errc::invalid, "This is not an SMTP reply");
  if (reply_.lines.size() == max_lines || line.size() > max_bytes - bytes_)
    return fail(Errc::over_limit, "The reply is too long");
  bytes_ += line.size();

  bool last = false;
  if (code) {
    reply_.code = *code;
    line.remove_prefix(3);
    last = !line.starts_with('-');
    if (!line.empty() && (line.front() == '-' || ascii::is_space(line.front())))
      line.remove_prefix(1);
    Cursor cursor(line);
    auto enhanced = take_enhanced_code(cursor);
    if (enhanced && (cursor.at_end() || ascii::is_space(cursor.peek()))) {
      reply_.enhanced = enhanced;
      cursor.skip_spaces();
      line = cursor.rest();
    }
  }
  auto& text = reply_.lines.emplace_back(line);
  std::ranges::replace_if(text, ascii::is_control, ' ');
  return last;
}

Reply ReplyParser::take() {
  bytes_ = 0;
  return std::exchange(reply_, Reply{});
}

}  // namespace todoke::smtp
