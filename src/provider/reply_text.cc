#include "provider/reply_text.h"

#include "base/ascii.h"

#include <algorithm>

namespace todoke::provider {
namespace {

bool is_blank(char c) {
  return ascii::is_control(c) || c == ' ';
}

// What may stand on either side of the @; a quoted local-part is dealt with apart.
bool is_address_byte(char c) {
  return !is_blank(c) && std::string_view("<>()[],;:\"@").find(c) == std::string_view::npos;
}

// Takes the local-part off the end of `out`.
void drop_local_part(std::string& out) {
  constexpr std::size_t longest = 130;
  if (out.ends_with('"')) {
    auto begin = out.size() - std::min(out.size(), longest);
    auto open = std::string_view(out).substr(begin, out.size() - begin - 1).rfind('"');
    if (open != out.npos) out.resize(begin + open);
    return;
  }
  while (!out.empty() && is_address_byte(out.back())) out.pop_back();
}

// Lower case, single spaces, no addresses.
std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (is_blank(c)) {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (c == '@') {
      drop_local_part(out);
      if (!out.ends_with('@')) out += '@';
      while (i + 1 < text.size() && is_address_byte(text[i + 1])) ++i;
    } else {
      out += ascii::lower(c);
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string_view first_word(std::string_view text) {
  return text.substr(0, text.find(' '));
}

void drop_front(std::string_view& text, std::size_t count) {
  text.remove_prefix(std::min(count, text.size()));
  while (text.starts_with(' ')) text.remove_prefix(1);
}

std::string_view without_punctuation(std::string_view word) {
  while (!word.empty() && !ascii::is_alnum(word.front())) word.remove_prefix(1);
  while (!word.empty() && !ascii::is_alnum(word.back())) word.remove_suffix(1);
  return word;
}

// 0 unless `text` begins with a reply code that ends there.
int leading_code(std::string_view text) {
  if (text.size() < 3 || text[0] < '2' || text[0] > '5' || !ascii::is_digit(text[1]) ||
      !ascii::is_digit(text[2]))
    return 0;
  if (text.size() > 3 && text[3] != ' ' && text[3] != '-') return 0;
  return (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

}  // namespace

ReplyText::ReplyText(const Response& response)
    : words_(plain(response.text.substr(0, max_bytes))),
      code_(response.code),
      enhanced_(response.enhanced) {
  std::string_view text = words_;
  take_codes(text);
  words_.erase(0, words_.size() - text.size());
  learn_marked_code();
  drop_repeated_codes();
}

int ReplyText::code_class() const {
  if (code_ != 0) return code_ / 100;
  return enhanced_ ? enhanced_->status_class : 0;
}

// "smtp; 550-5.1.1 words" as in RFC 3464 §2.3.6, or the same without its beginning.
void ReplyText::take_codes(std::string_view& text) {
  auto type = first_word(text).substr(0, text.find(';'));
  if (type.size() < text.size() && text[type.size()] == ';' &&
      (type == "smtp" || type.starts_with("x-")))
    drop_front(text, type.size() + 1);
  if (int code = leading_code(text); code != 0 && (code_ == 0 || code_ == code)) {
    if (code_ == 0) code_ = code;
    drop_front(text, text.size() > 3 && text[3] == '-' ? 4 : 3);
  }
  auto word = first_word(text);
  if (auto enhanced = smtp::parse_enhanced_code(word);
      enhanced && (code_ == 0 || enhanced->status_class == code_ / 100)) {
    if (!enhanced_) enhanced_ = enhanced;
    if (enhanced_ == enhanced) drop_front(text, word.size());
  }
}

// "(#5.1.1)" anywhere, as some servers write it.  The subjects are those of RFC 3463 §3 only, for
// providers number their own reasons in the same way.
void ReplyText::learn_marked_code() {
  if (enhanced_) return;
  for (auto at = words_.find('#'); at != words_.npos; at = words_.find('#', at + 1)) {
    auto word = without_punctuation(first_word(std::string_view(words_).substr(at, 16)));
    auto code = smtp::parse_enhanced_code(word);
    if (!code || code->subject > 7 || code->status_class == 2) continue;
    if (code_ != 0 && code->status_class != code_ / 100) continue;
    enhanced_ = code;
    return;
  }
}

void ReplyText::drop_repeated_codes() {
  std::string kept;
  kept.reserve(words_.size());
  std::string_view rest = words_;
  while (!rest.empty()) {
    auto word = first_word(rest);
    drop_front(rest, word.size());
    if (repeats_codes(word)) continue;
    if (!kept.empty()) kept += ' ';
    kept += word;
  }
  words_ = std::move(kept);
}

// "550", "550-", "5.1.1", "550-5.1.1".
bool ReplyText::repeats_codes(std::string_view word) const {
  if (code_ != 0 && leading_code(word) == code_) {
    word.remove_prefix(word.size() > 3 ? 4 : 3);
    if (word.empty()) return true;
  }
  return enhanced_ && smtp::parse_enhanced_code(word) == enhanced_;
}

}  // namespace todoke::provider
