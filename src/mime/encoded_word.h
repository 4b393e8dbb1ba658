#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// RFC 2047: text beyond ASCII in headers.
namespace todoke::mime {

// A header value, unfolded, as UTF-8.  White space between encoded words goes (RFC 2047 §6.2);
// bytes of neighbouring words in one charset are joined before they are converted, because senders
// cut words within characters and within ISO-2022-JP's two-byte state.  Words that are broken stay
// as they are; raw 8-bit text and raw ISO-2022-JP are read as what they look like.  Linear time.
std::string decode_words(std::string_view text);

// `utf8` as a sequence of encoded words of at most 75 characters, UTF-8 and base64, cut at
// character borders only (RFC 2047 §2, §5).  `first` is what the first word may measure, at least
// 20, when the field name stands on its line.  Malformed input becomes U+FFFD.
std::vector<std::string> encode_words(std::string_view utf8, std::size_t first = 75);

// CR, LF and NUL as spaces: what was encoded must not come to life when it is used again
// (mail-server rule R11).
std::string without_line_breaks(std::string text);

// Whether text can stand in a header as it is: printable ASCII with nothing that reads as an
// encoded word.
bool is_plain_header_text(std::string_view text);

}  // namespace todoke::mime
