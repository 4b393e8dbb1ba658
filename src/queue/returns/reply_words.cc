#include "queue/returns/reply_words.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/syntax/path.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace todoke::queue {
namespace {

// A number of one to three digits at `at`, which moves behind it.
std::optional<std::uint16_t> take_number(std::string_view text, std::size_t& at) {
  auto begin = at;
  unsigned value = 0;
  while (at < text.size() && ascii::is_digit(text[at]) && at - begin < 3)
    value = value * 10 + static_cast<unsigned>(text[at++] - '0');
  bool more = at < text.size() && ascii::is_digit(text[at]);
  if (at == begin || more) return {};
  return static_cast<std::uint16_t>(value);
}

std::optional<smtp::EnhancedCode> enhanced_code_at(std::string_view text, std::size_t at) {
  auto status_class = static_cast<std::uint8_t>(text[at++] - '0');
  if (at >= text.size() || text[at++] != '.') return {};
  auto subject = take_number(text, at);
  if (!subject || at >= text.size() || text[at++] != '.') return {};
  auto detail = take_number(text, at);
  if (!detail) return {};
  bool goes_on = at < text.size() && (ascii::is_alpha(text[at]) || text[at] == '-');
  bool is_number = at + 1 < text.size() && text[at] == '.' && ascii::is_digit(text[at + 1]);
  if (goes_on || is_number) return {};
  return smtp::EnhancedCode{status_class, *subject, *detail};
}

// Whether a reply can begin behind `before`: it is the start, or ends in what stands before
// replies.
bool may_begin_reply(std::string_view before) {
  auto last = before.find_last_not_of(" \t\r\n\"'[");
  if (last == std::string_view::npos) return true;
  bool at_line_start = before.substr(last + 1).find('\n') != std::string_view::npos;
  if (at_line_start || std::string_view(":;<>#(,").contains(before[last])) return true;
  auto text = before.substr(0, last + 1);
  return text.ends_with("said") || text.ends_with("error") || text.ends_with("was") ||
         text.ends_with("response") || text.ends_with("SMTP");
}

struct StagePhrase {
  std::string_view phrase;  // lower case
  smtp::Stage stage;
};
using enum smtp::Stage;
constexpr StagePhrase stage_phrases[] = {
    // Postfix
    {"in reply to end of data", end_of_data},
    {"in reply to rcpt to", rcpt},
    {"in reply to mail from", mail},
    {"in reply to data command", data},
    {"in reply to ehlo", ehlo},
    {"in reply to helo", ehlo},
    {"in reply to starttls", starttls},
    {"in reply to auth", auth},
    {"refused to talk to me", connect},
    // Exim
    {"after end of data", end_of_data},
    {"after rcpt to", rcpt},
    {"after pipelined rcpt to", rcpt},
    {"after mail from", mail},
    {"after pipelined mail from", mail},
    {"after pipelined data", data},
    {"after data", data},
    {"after initial connection", connect},
    {"after ehlo", ehlo},
    {"after helo", ehlo},
    // qmail and its relatives
    {"does not like recipient", rcpt},
    {"sender was rejected", mail},
    {"failed on data command", data},
    {"failed after i sent the message", end_of_data},
    {"but greeting failed", connect},
    {"my name was rejected", ehlo},
    // sendmail and others that show the conversation
    {">>> rcpt", rcpt},
    {">>> mail", mail},
    {">>> ehlo", ehlo},
    {">>> helo", ehlo},
    // Gmail
    {"(state 14)", rcpt},
    {"(state 18)", end_of_data},
};

// Lower case; the host follows.
constexpr std::string_view host_phrases[] = {
    "while talking to ",   "giving up on ", "connected to ", "remote host ",
    "generating server: ", "connect to ",   "host "};

// sendmail prints ">>> DATA" before two different things: with pipelining the answers to RCPT, and
// without a dot the answer to the text.  Only what it adds tells them apart.
std::optional<smtp::Stage> stage_behind_data(std::string_view lower) {
  if (contains_any(lower, {"need rcpt", "no valid recipients", "<<< 503"})) return rcpt;
  if (lower.contains("service unavailable")) return end_of_data;
  return {};
}

bool is_host_character(char c) {
  return ascii::is_alnum(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

}  // namespace

std::optional<int> find_reply_code(std::string_view text) {
  for (std::size_t i = 0; i + 3 <= text.size(); ++i) {
    bool digits = (text[i] == '4' || text[i] == '5') && ascii::is_digit(text[i + 1]) &&
                  text[i + 1] <= '5' && ascii::is_digit(text[i + 2]);
    if (!digits) continue;
    bool ends = i + 3 == text.size() || std::string_view(" -\r\n\t,;:)").contains(text[i + 3]);
    if (!ends) continue;
    // A code and an enhanced code side by side are a reply wherever they stand.
    bool enhanced = i + 5 < text.size() && text[i + 4] == text[i] && text[i + 5] == '.';
    constexpr std::size_t look_back = 40;
    auto before = text.substr(i < look_back ? 0 : i - look_back, std::min(i, look_back));
    if (enhanced ? before.empty() || !ascii::is_alnum(before.back()) : may_begin_reply(before))
      return (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
  }
  return {};
}

std::optional<smtp::EnhancedCode> find_enhanced_code(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '2' && text[i] != '4' && text[i] != '5') continue;
    if (i > 0) {
      char before = text[i - 1];
      // "550-5.1.1" is how further lines of a reply begin.
      bool behind_code = before == '-' && i > 1 && ascii::is_digit(text[i - 2]);
      if (ascii::is_alnum(before) || before == '.' || before == '/' || before == '_' ||
          (before == '-' && !behind_code))
        continue;
    }
    if (auto code = enhanced_code_at(text, i)) return code;
  }
  return {};
}

std::optional<smtp::Stage> find_stage(std::string_view text) {
  auto lower = ascii::to_lower(text);
  // The last command that is mentioned is the one that was refused, so the latest phrase counts.
  std::optional<smtp::Stage> found;
  std::size_t found_at = 0;
  for (const auto& [phrase, stage] : stage_phrases) {
    auto at = lower.rfind(phrase);
    if (at == std::string::npos || (found && at < found_at)) continue;
    found = stage;
    found_at = at;
  }
  auto shown = lower.rfind(">>> data");
  if (shown != std::string::npos && (!found || found_at < shown)) return stage_behind_data(lower);
  return found;
}

std::string find_remote_host(std::string_view text) {
  auto lower = ascii::to_lower(text);
  for (auto phrase : host_phrases) {
    auto at = lower.find(phrase);
    if (at == std::string::npos) continue;
    if (at > 0 && ascii::is_alnum(lower[at - 1])) continue;
    auto rest = text.substr(at + phrase.size());
    auto end = std::ranges::find_if_not(rest, is_host_character);
    std::string host(rest.begin(), end);
    while (!host.empty() && (host.back() == '.' || host.back() == ':')) host.pop_back();
    if (host.contains('.') && host.size() <= smtp::max_domain) return host;
  }
  return {};
}

bool contains_any(std::string_view text, std::initializer_list<std::string_view> phrases) {
  return std::ranges::any_of(phrases, [&](auto phrase) { return text.contains(phrase); });
}

std::string one_line(std::string_view text, std::size_t limit) {
  // What lies beyond could not come into the result.
  auto valid = valid_utf8(text.substr(0, 4 * limit));
  std::string out;
  for (char c : valid) {
    bool space = ascii::is_control(c) || c == ' ';
    if (space && (out.empty() || out.back() == ' ')) continue;
    out += space ? ' ' : c;
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return std::string(utf8_prefix(out, limit));
}

std::string clean_address(std::string_view text) {
  text = ascii::trim(text);
  if (text.size() > 2 * smtp::max_path) return {};
  if (auto open = text.rfind('<'); open != std::string_view::npos) {
    auto inner = text.substr(open + 1);
    inner = inner.substr(0, inner.find('>'));
    // "a@example.org<mailto:a@example.org>": both are the same.
    text = inner;
  }
  if (ascii::starts_with_ignoring_case(text, "mailto:")) text.remove_prefix(7);
  while (!text.empty() && std::string_view(" \t\"'.,;:").contains(text.back()))
    text.remove_suffix(1);
  if (text.starts_with('\'')) text.remove_prefix(1);
  if (!text.contains('@')) return {};
  auto path = smtp::parse_address(text);
  return path ? smtp::to_text(*path) : std::string();
}

}  // namespace todoke::queue
