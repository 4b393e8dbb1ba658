#pragma once

#include <optional>
#include <string>
#include <string_view>

// The encodings of ESMTP parameter values.
namespace todoke::smtp {

// RFC 3461 §4: bytes outside "!" to "~", "+" and "=" become "+" and two upper-case hex digits.
std::string xtext_encode(std::string_view bytes);
// Nothing when `text` is not xtext.  The result may hold any byte.
std::optional<std::string> xtext_decode(std::string_view text);

// RFC 6533 §3, the form of an address of type utf-8 in ORCPT: \x{…} stands for a code point.
// Raw UTF-8 is taken too (utf-8-addr-unitext).  Nothing when it is not well formed; the result is
// UTF-8.
std::optional<std::string> utf8_address_decode(std::string_view text);
// To ASCII (utf-8-addr-xtext), which passes every server.  `address` must be UTF-8; any byte that
// is not becomes U+FFFD.
std::string utf8_address_encode(std::string_view address);

}  // namespace todoke::smtp
