#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// UTF-8, RFC 3629 §4, as protocols must check it and decoders write it: no overlong forms, no
// surrogates, nothing beyond U+10FFFF.
namespace todoke {

// The length of the well-formed sequence that `text` begins with: 1 to 4, or 0 if there is none.
std::size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

bool is_ascii(std::string_view text);

// The longest prefix of at most `limit` bytes that does not cut a well-formed sequence in two.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

// U+FFFD, which stands for bytes that mean nothing.
inline constexpr std::string_view replacement_character = "\xEF\xBF\xBD";

// Appends `c`; surrogates and numbers beyond Unicode become U+FFFD.
void append_utf8(std::string& out, char32_t c);

// Reads UTF-8 a byte at a time.  Overlong forms and surrogates are malformed.
class Utf8Reader {
 public:
  enum class Step {
    more,       // within a character
    character,  // the byte completed one
    bad,        // the byte can begin nothing
    bad_before  // the character before was cut off; give the same byte again
  };
  Step step(char byte);
  bool within_character() const { return needed_ > 0; }
  // Bytes of the character begun or just completed.
  int length() const { return length_; }

 private:
  int needed_ = 0;
  int length_ = 0;
  unsigned char lowest_ = 0x80;
  unsigned char highest_ = 0xBF;
};

struct Utf8Count {
  std::size_t multibyte = 0;   // well-formed characters of two bytes or more
  std::size_t long_forms = 0;  // those of three bytes or more
  std::size_t errors = 0;
  bool cut_off = false;  // the text ends within a character, which counts as no error
};
Utf8Count count_utf8(std::string_view bytes);

// The text with everything malformed replaced by U+FFFD.
std::string valid_utf8(std::string_view bytes);

}  // namespace todoke
