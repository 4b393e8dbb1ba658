#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace todoke::provider {

inline constexpr std::size_t max_normalised_bytes = 500;

// A reply without what differs from one to the next, so that equal ones can be counted: "new words
// from Gmail, 212 times".  Lines and blanks are joined, repeated codes dropped, and these stand for
// what they say: <address> <ip> <url> <host> <id> <number>.  Codes of providers such as [TSS04] or
// S3150 stay.  The result is UTF-8 without controls or addresses, at most max_normalised_bytes
// long; only a bounded part of `reply_text` is looked at.
std::string normalise(std::string_view reply_text);

}  // namespace todoke::provider
