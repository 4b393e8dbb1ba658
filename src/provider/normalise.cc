#include "provider/normalise.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/syntax/reply.h"

#include <algorithm>
#include <utility>

namespace todoke::provider {
namespace {

constexpr std::size_t max_input = 4096;
constexpr std::string_view brackets = "()[]{}<>,;\"'|";

bool is_blank(char c) {
  return ascii::is_control(c) || c == ' ';
}
bool is_bracket(char c) {
  return brackets.find(c) != brackets.npos;
}
std::size_t count_digits(std::string_view word) {
  return static_cast<std::size_t>(std::ranges::count_if(word, ascii::is_digit));
}

bool is_ipv4(std::string_view word) {
  int parts = 0;
  while (true) {
    auto part = word.substr(0, word.find('.'));
    auto number = ascii::to_number(part);
    if (part.size() > 3 || !number || *number > 255) return false;
    ++parts;
    if (part.size() == word.size()) return parts == 4;
    word.remove_prefix(part.size() + 1);
  }
}
bool is_ipv6(std::string_view word) {
  return word.size() <= 45 && std::ranges::count(word, ':') >= 2 &&
         (word.find("::") != word.npos || std::ranges::count(word, ':') == 7) &&
         std::ranges::all_of(word, [](char c) { return ascii::is_hex(c) || c == ':' || c == '.'; });
}
// Either, maybe with the length of a prefix.
bool is_ip(std::string_view word) {
  if (ascii::starts_with_ignoring_case(word, "ipv6:")) word.remove_prefix(5);
  word = word.substr(0, word.find('/'));
  return is_ipv4(word) || is_ipv6(word);
}

bool is_url(std::string_view word) {
  return ascii::starts_with_ignoring_case(word, "http://") ||
         ascii::starts_with_ignoring_case(word, "https://") ||
         ascii::starts_with_ignoring_case(word, "www.");
}

// Two labels or more, the last one of letters.
bool is_host(std::string_view word) {
  auto dot = word.rfind('.');
  if (dot == word.npos || dot == 0 || word.size() - dot < 3 || word.find("..") != word.npos)
    return false;
  return std::ranges::all_of(word.substr(dot + 1), ascii::is_alpha) &&
         std::ranges::all_of(
             word, [](char c) { return ascii::is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

// Sizes, times and dates too.
bool is_number(std::string_view word) {
  return std::ranges::all_of(word, [](char c) {
    return ascii::is_digit(c) || c == '.' || c == ':' || c == '/' || c == '-' || c == '+';
  });
}
// "20MB", "30s".
bool is_amount(std::string_view word) {
  auto end = std::ranges::find_if_not(word, ascii::is_digit);
  auto digits = static_cast<std::size_t>(end - word.begin());
  return digits > 0 && word.size() - digits <= 2 &&
         std::ranges::all_of(word.substr(digits), ascii::is_alpha);
}
// What nobody would choose as a word: long, letters and digits mixed.
bool is_queue_id(std::string_view word) {
  return word.size() >= 9 && count_digits(word) >= 2 && std::ranges::all_of(word, [](char c) {
           return ascii::is_alnum(c) ||
                  std::string_view("-_.+/:=~").find(c) != std::string_view::npos;
         });
}

bool is_reply_code(std::string_view word) {
  return word.size() == 3 && word[0] >= '2' && word[0] <= '5' && count_digits(word) == 3;
}

class Normaliser {
 public:
  std::string run(std::string_view text) {
    while (!text.empty() && out_.size() < max_normalised_bytes) {
      if (is_blank(text.front())) {
        wants_space_ = !out_.empty();
        text.remove_prefix(1);
      } else if (auto length = quoted_address(text); length > 0) {
        put("<address>");
        text.remove_prefix(length);
      } else if (is_bracket(text.front())) {
        put_bracket(text.front());
        text.remove_prefix(1);
      } else {
        take_word(text);
      }
    }
    return std::string(utf8_prefix(valid_utf8(out_), max_normalised_bytes));
  }

 private:
  // The length of "…"@… at the beginning of `text`; 0 if there is none.
  static std::size_t quoted_address(std::string_view text) {
    constexpr std::size_t longest = 130;
    if (text.front() != '"') return 0;
    auto close = text.substr(0, longest).find('"', 1);
    if (close == text.npos || close + 1 >= text.size() || text[close + 1] != '@') return 0;
    auto end = close + 2;
    while (end < text.size() && !is_blank(text[end]) && !is_bracket(text[end])) ++end;
    return end;
  }

  void take_word(std::string_view& text) {
    bool url = is_url(text);
    std::size_t end = 0;
    while (end < text.size() && !is_blank(text[end]) &&
           (url ? text[end] != '>' && text[end] != '"' : !is_bracket(text[end])))
      ++end;
    auto word = text.substr(0, end);
    text.remove_prefix(end);
    if (url) return put("<url>");
    if (repeats_code(word)) return;
    // "ip=192.0.2.7", "#5.7.1", and the end of a sentence.
    if (auto sign = word.rfind('=');
        sign != word.npos && sign + 1 < word.size() && word.find('@') == word.npos) {
      put(word.substr(0, sign + 1));
      word.remove_prefix(sign + 1);
      put_attached(word);
    } else {
      put_spaced(word);
    }
  }

  void put_spaced(std::string_view word) {
    space();
    put_attached(word);
  }
  void put_attached(std::string_view word) {
    auto head = word.substr(0, word.find_first_not_of("#:=.-*"));
    if (head.size() < word.size()) {
      out_ += head;
      word.remove_prefix(head.size());
    }
    auto last = word.find_last_not_of(".:!?=-*");
    auto tail = last == word.npos ? std::string_view() : word.substr(last + 1);
    word.remove_suffix(tail.size());
    auto placeholder = placeholder_of(word);
    out_ += placeholder.empty() ? word : placeholder;
    out_ += tail;
  }

  // Empty: the word stays.
  std::string_view placeholder_of(std::string_view word) {
    bool first = std::exchange(at_begin_, false);
    if (word.find('@') != word.npos) return "<address>";
    if (is_ip(word)) return "<ip>";
    if (is_url(word)) return "<url>";
    if (first && is_reply_code(word)) return "";
    if (smtp::parse_enhanced_code(word)) return "";
    if (is_host(word)) return "<host>";
    if (count_digits(word) == 0) return "";
    if (is_number(word)) return "<number>";
    if (is_amount(word)) return "<number>";
    if (is_queue_id(word)) return "<id>";
    return "";
  }

  // The code of the first line comes again in each line: "550-5.7.1 …", "550 5.7.1 …", "5.7.1 …".
  bool repeats_code(std::string_view word) {
    auto rest = word;
    if (rest.size() >= 3 && is_reply_code(rest.substr(0, 3)) &&
        (rest.size() == 3 || rest[3] == '-')) {
      auto code = rest.substr(0, 3);
      rest.remove_prefix(std::min<std::size_t>(rest.size(), 4));
      if (at_begin_) {
        code_ = code;
        put(code);
        at_begin_ = false;
        if (rest.empty()) return true;
        wants_space_ = true;
      } else if (code_ != code) {
        return false;
      } else if (rest.empty()) {
        return true;
      }
    }
    if (!smtp::parse_enhanced_code(rest)) return false;
    if (enhanced_.empty()) {
      enhanced_ = rest;
      put(rest);
    }
    at_begin_ = false;
    return enhanced_ == rest;
  }

  void put_bracket(char c) {
    at_begin_ = false;
    // Placeholders bring their own: "<a@b.jp>" becomes "<address>".
    if (c == '<' || c == '>') {
      wants_space_ = wants_space_ || (c == '<' && !out_.empty() && ascii::is_alnum(out_.back()));
      return;
    }
    if (std::string_view("([{\"'|").find(c) != std::string_view::npos) space();
    wants_space_ = false;
    out_ += c;
  }
  void put(std::string_view text) {
    at_begin_ = false;
    space();
    out_ += text;
  }
  void space() {
    if (wants_space_) out_ += ' ';
    wants_space_ = false;
  }

  std::string out_;
  std::string_view code_;
  std::string_view enhanced_;
  bool at_begin_ = true;
  bool wants_space_ = false;
};

}  // namespace

std::string normalise(std::string_view reply_text) {
  return Normaliser().run(reply_text.substr(0, max_input));
}

}  // namespace todoke::provider
