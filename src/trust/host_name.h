#pragma once

#include <string_view>

namespace todoke::trust {

// A host name in A-labels: RFC 5321 §4.1.2 Domain, at most 253 bytes, without a dot at the end.
bool is_host_name(std::string_view text);

}  // namespace todoke::trust
