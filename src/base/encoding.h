#pragma once

#include <optional>
#include <string>
#include <string_view>

// Text encodings of bytes that several protocols share.
namespace todoke {

// RFC 4648 §4, with padding, no line breaks.
std::string base64_encode(std::string_view bytes);
// RFC 4648 §4; nothing when there is any byte outside the alphabet or the padding is wrong.
std::optional<std::string> base64_decode(std::string_view text);

// RFC 4648 §6 in lower case and without padding, for what must survive where case is lost, such as
// local parts of addresses.
std::string base32_encode(std::string_view bytes);
// The same in any case; nothing when there is any other byte, or bits that encode no byte.
std::optional<std::string> base32_decode(std::string_view text);

// Two lower-case digits per byte.
std::string hex_encode(std::string_view bytes);
std::optional<std::string> hex_decode(std::string_view text);

}  // namespace todoke
