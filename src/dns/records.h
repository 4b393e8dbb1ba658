#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

// The data of records (RDATA), in wire form and as values.  Reading takes bytes as hostile as they
// come, uncompressed, and fails with Errc::invalid unless a record has exactly its form; writing is
// for tests and tools, and fails for what has no such form.
namespace todoke::dns {

// RFC 1035 §3.3.9.
struct Mx {
  std::uint16_t preference = 0;
  std::string host;  // in the form of normal_name(); "" is the root, as in a null MX (RFC 7505 §3)
  bool operator==(const Mx&) const = default;
};

// RFC 6698 §2.1.  The numbers are kept as they are: who verifies knows which it can use.
struct Tlsa {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;
  // The TLSA base domain that the record was found under (RFC 7672 §2.2.3), which is also the name
  // for SNI; set by find_tlsa(), no part of the record.
  std::string base = {};
  bool operator==(const Tlsa&) const = default;
};

// 4 bytes (RFC 1035 §3.4.1) or 16 (RFC 3596 §2.2) as "192.0.2.1" or "2001:db8::1".
Result<std::string> parse_address(std::string_view rdata);
Result<Mx> parse_mx(std::string_view rdata);
// The strings of a TXT record, joined without anything between (RFC 1035 §3.3.14; RFC 7208 §3.3).
Result<std::string> parse_txt(std::string_view rdata);
// The name in a PTR or CNAME record.
Result<std::string> parse_name(std::string_view rdata);
Result<Tlsa> parse_tlsa(std::string_view rdata);

Result<std::string> address_data(std::string_view text);
Result<std::string> mx_data(const Mx& mx);
// In strings of 255 bytes, the last shorter.
std::string txt_data(std::string_view text);
Result<std::string> name_data(std::string_view name);
std::string tlsa_data(const Tlsa& tlsa);

}  // namespace todoke::dns
