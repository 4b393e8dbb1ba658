#include "mime/encoded_word.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/transfer.h"

#include <algorithm>
#include <optional>

namespace todoke::mime {
namespace {

struct Word {
  std::string_view charset;
  char encoding = 'Q';
  std::string_view text;
  std::size_t size = 0;  // of the whole word
};

// The end of encoded text that begins at `at`, that is the offset of its "?="; nothing when another
// word begins first.  Lone question marks are tolerated.  `dead_end` is set when neither comes:
// then no later word can be complete either and nobody need look again, which keeps us linear.
std::optional<std::size_t> find_end(std::string_view text, std::size_t at, bool& dead_end) {
  for (auto mark = text.find('?', at); mark != std::string_view::npos;
       mark = text.find('?', mark + 1)) {
    if (mark + 1 < text.size() && text[mark + 1] == '=') return mark;
    if (mark > at && text[mark - 1] == '=') return {};
  }
  dead_end = true;
  return {};
}

// The encoded word at the start of `text`, which begins with "=?".
std::optional<Word> parse_word(std::string_view text, bool& dead_end) {
  constexpr std::size_t max_charset = 64;
  auto charset_end = text.substr(0, max_charset + 3).find('?', 2);
  if (charset_end == std::string_view::npos || charset_end == 2) return {};
  if (text.size() < charset_end + 3 || text[charset_end + 2] != '?') return {};
  Word word;
  word.charset = text.substr(2, charset_end - 2);
  if (word.charset.find_first_of(" \t\"") != std::string_view::npos) return {};
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231 §5: a language
  word.encoding = ascii::upper(text[charset_end + 1]);
  if (word.encoding != 'B' && word.encoding != 'Q') return {};
  auto begin = charset_end + 3;
  auto end = find_end(text, begin, dead_end);
  if (!end) return {};
  word.text = text.substr(begin, *end - begin);
  word.size = *end + 2;
  return word;
}

void append_decoded(const Word& word, std::string& bytes) {
  TransferDecoder decoder(word.encoding == 'B' ? TransferEncoding::base64
                                               : TransferEncoding::identity);
  if (word.encoding == 'B') {
    decoder.feed(word.text, bytes);
    decoder.finish(bytes);
    return;
  }
  for (std::size_t i = 0; i < word.text.size(); ++i) {
    char c = word.text[i];
    if (c == '=' && i + 2 < word.text.size() && ascii::is_hex(word.text[i + 1]) &&
        ascii::is_hex(word.text[i + 2])) {
      bytes += *hex_decode(word.text.substr(i + 1, 2));
      i += 2;
    } else {
      bytes += c == '_' ? ' ' : c;
    }
  }
}

// Collects the bytes of neighbouring words until their charset changes.
class Joiner {
 public:
  explicit Joiner(std::string& out) : out_(out) {}
  void add(const Word& word) {
    if (!open_ || !ascii::equal_ignoring_case(charset_, word.charset)) flush();
    open_ = true;
    charset_ = word.charset;
    append_decoded(word, bytes_);
  }
  void flush() {
    if (open_) out_ += without_line_breaks(to_utf8(bytes_, charset_));
    open_ = false;
    bytes_.clear();
  }
  bool open() const { return open_; }

 private:
  std::string& out_;
  std::string bytes_;
  std::string_view charset_;
  bool open_ = false;
};

}  // namespace

std::string decode_words(std::string_view raw) {
  std::string converted = header_to_utf8(raw);
  std::string_view text = converted;
  std::string out;
  Joiner words(out);
  bool dead_end = false;
  while (!text.empty()) {
    auto begin = dead_end ? std::string_view::npos : text.find("=?");
    auto between = text.substr(0, begin);
    text.remove_prefix(between.size());
    bool only_space = std::ranges::all_of(
        between, [](char c) { return ascii::is_space(c) || c == '\r' || c == '\n'; });
    if (text.empty()) {
      words.flush();
      out += between;
      break;
    }
    auto word = parse_word(text, dead_end);
    if (!word || !only_space || !words.open()) {
      words.flush();
      out += between;
    }
    if (word) {
      words.add(*word);
      text.remove_prefix(word->size);
    } else {
      out += text.substr(0, 2);
      text.remove_prefix(2);
    }
  }
  words.flush();
  return out;
}

std::vector<std::string> encode_words(std::string_view utf8, std::size_t first) {
  constexpr std::string_view prefix = "=?UTF-8?B?";
  constexpr std::size_t overhead = prefix.size() + 2;
  std::string valid = valid_utf8(utf8);
  std::string_view rest = valid;
  std::vector<std::string> words;
  std::size_t limit = std::clamp<std::size_t>(first, 20, 75);
  while (!rest.empty()) {
    auto piece = utf8_prefix(rest, (limit - overhead) / 4 * 3);
    words.push_back(std::string(prefix) + base64_encode(piece) + "?=");
    rest.remove_prefix(piece.size());
    limit = 75;
  }
  return words;
}

std::string without_line_breaks(std::string text) {
  auto is_break = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  std::ranges::replace_if(text, is_break, ' ');
  return text;
}

bool is_plain_header_text(std::string_view text) {
  auto is_plain = [](char c) { return !ascii::is_8bit(c) && !ascii::is_control(c); };
  return std::ranges::all_of(text, is_plain) && text.find("=?") == std::string_view::npos;
}

}  // namespace todoke::mime
