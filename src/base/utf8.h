#pragma once

#include <cstddef>
#include <string_view>

// UTF-8 as protocols must check it, RFC 3629 §4: no overlong forms, no surrogates, nothing beyond
// U+10FFFF.
namespace todoke {

// The length of the well-formed sequence that `text` begins with: 1 to 4, or 0 if there is none.
std::size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

bool is_ascii(std::string_view text);

// The longest prefix of at most `limit` bytes that does not cut a well-formed sequence in two.
std::string_view utf8_prefix(std::string_view text, std::size_t limit);

}  // namespace todoke
