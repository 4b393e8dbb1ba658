#include "provider/rule.h"

#include "base/ascii.h"
#include "provider/reply_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace todoke::provider {
namespace {

template <class T>
using Word = std::pair<std::string_view, T>;

constexpr std::array<Word<Named>, 7> named_words = {{
    {"none", Named::none},
    {"ip", Named::ip},
    {"netblock", Named::netblock},
    {"dkim-domain", Named::dkim_domain},
    {"spf-domain", Named::spf_domain},
    {"url-domain", Named::url_domain},
    {"message-id", Named::message_id},
}};
constexpr std::array<Word<Scope>, 3> scope_words = {{
    {"usual", Scope::usual},
    {"session", Scope::session},
    {"recipient", Scope::recipient},
}};
constexpr std::array<Word<Attempt>, 3> attempt_words = {{
    {"any", Attempt::any},
    {"first", Attempt::first},
    {"later", Attempt::later},
}};
constexpr std::array<Word<smtp::Stage>, 9> stage_words = {{
    {"dns", smtp::Stage::dns},
    {"connect", smtp::Stage::connect},
    {"ehlo", smtp::Stage::ehlo},
    {"starttls", smtp::Stage::starttls},
    {"auth", smtp::Stage::auth},
    {"mail", smtp::Stage::mail},
    {"rcpt", smtp::Stage::rcpt},
    {"data", smtp::Stage::data},
    {"end", smtp::Stage::end_of_data},
}};
constexpr std::array<Word<smtp::Breakdown>, 8> breakdown_words = {{
    {"refused", smtp::Breakdown::refused},
    {"reset", smtp::Breakdown::reset},
    {"timeout", smtp::Breakdown::timed_out},
    {"closed", smtp::Breakdown::closed},
    {"unreachable", smtp::Breakdown::unreachable},
    {"tls", smtp::Breakdown::tls},
    {"garbage", smtp::Breakdown::garbage},
    {"dns", smtp::Breakdown::dns},
}};

template <class T>
std::optional<T> value_of(std::span<const Word<T>> words, std::string_view text) {
  for (const auto& [word, value] : words)
    if (word == text) return value;
  return std::nullopt;
}
template <class T>
std::string_view word_of(std::span<const Word<T>> words, T value) {
  for (const auto& [word, known] : words)
    if (known == value) return word;
  return "";
}

std::string_view take_word(std::string_view& text) {
  auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

bool holds(std::uint32_t set, int member) {
  return (set >> member & 1) != 0;
}

template <class Range, class Predicate>
bool empty_or_any(const Range& range, Predicate predicate) {
  return range.empty() || std::ranges::any_of(range, predicate);
}

}  // namespace

std::string_view to_text(Named named) {
  return word_of<Named>(named_words, named);
}
std::optional<Named> parse_named(std::string_view text) {
  return value_of<Named>(named_words, text);
}
std::string_view to_text(Scope scope) {
  return word_of<Scope>(scope_words, scope);
}
std::optional<Scope> parse_scope(std::string_view text) {
  return value_of<Scope>(scope_words, text);
}
std::optional<Attempt> parse_attempt(std::string_view text) {
  return value_of<Attempt>(attempt_words, text);
}
std::optional<smtp::Stage> parse_stage(std::string_view word) {
  return value_of<smtp::Stage>(stage_words, word);
}
std::optional<smtp::Breakdown> parse_breakdown(std::string_view word) {
  return value_of<smtp::Breakdown>(breakdown_words, word);
}

Result<Fixture> Fixture::parse(std::string_view source) {
  Fixture fixture;
  fixture.source = source;
  auto wrong = [&](std::string_view why) {
    return fail(Errc::invalid, fmt::format("the fixture \"{}\" {}", source, why));
  };
  auto rest = source;
  if (rest.starts_with("again ")) {
    fixture.first_attempt = false;
    take_word(rest);
  }
  auto stage = parse_stage(take_word(rest));
  if (!stage) return wrong("begins with no stage");
  fixture.stage = *stage;
  auto word = take_word(rest);
  if (auto breakdown = parse_breakdown(word)) {
    if (!rest.empty()) return wrong("has words after its breakdown");
    fixture.breakdown = *breakdown;
    return fixture;
  }
  auto code = ascii::to_number(word);
  if (word != "-" && (!code || *code < 400 || *code > 599))
    return wrong("has neither a breakdown nor a code from 400 to 599 nor - after its stage");
  if (code) fixture.code = static_cast<int>(*code);
  auto text = rest;
  fixture.enhanced = smtp::parse_enhanced_code(take_word(rest));
  fixture.text = fixture.enhanced ? rest : text;
  return fixture;
}

Response Fixture::response() const {
  return {.stage = stage,
          .breakdown = breakdown,
          .code = code,
          .enhanced = enhanced,
          .text = text,
          .first_attempt = first_attempt};
}

Result<CodePattern> CodePattern::parse(std::string_view text) {
  CodePattern pattern;
  bool wild = false;
  bool valid = text.size() == 3 && (text[0] == '4' || text[0] == '5');
  for (char c : text) {
    pattern.low_ *= 10;
    pattern.high_ *= 10;
    if (c == 'x') {
      wild = true;
      pattern.high_ += 9;
    } else if (ascii::is_digit(c) && !wild) {
      pattern.low_ += c - '0';
      pattern.high_ += c - '0';
    } else {
      valid = false;
    }
    if (!valid) break;
  }
  if (!valid)
    return fail(Errc::invalid, fmt::format("\"{}\" is no code such as 550, 55x or 5xx", text));
  return pattern;
}

Result<EnhancedPattern> EnhancedPattern::parse(std::string_view text) {
  EnhancedPattern pattern;
  auto rest = text;
  bool valid = true;
  for (std::size_t i = 0; i < 3 && valid; ++i) {
    auto part = rest.substr(0, i < 2 ? rest.find('.') : rest.size());
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    if (part == "x") continue;
    auto dash = part.find('-');
    auto low = ascii::to_number(part.substr(0, dash));
    auto high = dash == part.npos ? low : ascii::to_number(part.substr(dash + 1));
    valid = low && high && *low <= *high && *high <= 999 && (i > 0 || dash == part.npos);
    if (valid) pattern.parts_[i] = {static_cast<int>(*low), static_cast<int>(*high)};
  }
  if (!valid || !rest.empty())
    return fail(
        Errc::invalid,
        fmt::format("\"{}\" is no enhanced code such as 5.7.1, x.7.26 or 5.7.606-649", text));
  return pattern;
}

bool EnhancedPattern::matches(const smtp::EnhancedCode& code) const {
  auto within = [](int number, Range range) { return number >= range.low && number <= range.high; };
  return within(code.status_class, parts_[0]) && within(code.subject, parts_[1]) &&
         within(code.detail, parts_[2]);
}

// A bounce that quotes no code may still be told by its words, as long as nothing speaks against
// the class of the code.
bool Rule::matches_code(const ReplyText& text) const {
  if (codes.empty()) return true;
  if (text.code() != 0)
    return std::ranges::any_of(codes, [&](const auto& one) { return one.matches(text.code()); });
  if (all.empty() && any.empty() && enhanced.empty()) return false;
  int code_class = text.code_class();
  return code_class == 0 || std::ranges::any_of(codes, [code_class](const auto& one) {
           return one.code_class() == code_class;
         });
}

bool Rule::matches(const Response& response, const ReplyText& text) const {
  if (stages != 0 && !holds(stages, static_cast<int>(response.stage))) return false;
  if (attempt != Attempt::any && (attempt == Attempt::first) != response.first_attempt)
    return false;
  if (breakdowns != 0 || response.breakdown != smtp::Breakdown::none)
    return holds(breakdowns, static_cast<int>(response.breakdown));
  auto is_found = [&](const Pattern& pattern) { return pattern.matches(text.words()); };
  if (!matches_code(text)) return false;
  if (!empty_or_any(enhanced, [&](const EnhancedPattern& pattern) {
        return text.enhanced() && pattern.matches(*text.enhanced());
      }))
    return false;
  return std::ranges::all_of(all, is_found) && empty_or_any(any, is_found) &&
         std::ranges::none_of(none, is_found);
}

}  // namespace todoke::provider
