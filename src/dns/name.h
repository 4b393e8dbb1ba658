#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

// Domain names as text and on the wire.  As text they are in lower case and without the final dot;
// the root is "".  Bytes that do not belong into names of hosts stand as \DDD (RFC 1035 §5.1), so
// that a name may be shown and logged as it is.
namespace todoke::dns {

constexpr std::size_t max_label = 63;       // RFC 1035 §2.3.4
constexpr std::size_t max_name = 253;       // as text, without escapes and final dot
constexpr std::size_t max_wire_name = 255;  // with the length of each label and the root

// The name in the form above.  Errc::invalid for an empty label, one or a whole that is too long,
// or an escape that makes no sense.
Result<std::string> normal_name(std::string_view text);

// The first name in `wire`, which is uncompressed, and how many bytes it took.
struct WireName {
  std::string text;
  std::size_t size = 0;
};
Result<WireName> parse_wire_name(std::string_view wire);

// The name in wire form, lower case.
Result<std::string> wire_name(std::string_view text);

// True for a normal name that a host may have: letters, digits, hyphens and, as some do,
// underscores in each label, and something else than digits in the last (RFC 1123 §2.1).
bool is_host_name(std::string_view name);

// A domain of an address in the form that is asked for: U-labels become A-labels (RFC 5891 §5),
// then normal_name().  Errc::invalid for what is no domain, as an address literal.
Result<std::string> domain_to_ask(std::string_view domain);

// The name that holds the PTR record of an IP address (RFC 1035 §3.5, RFC 3596 §2.5).
Result<std::string> reverse_name(std::string_view address);

}  // namespace todoke::dns
