#include "dns/records.h"

#include "dns/name.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>

namespace todoke::dns {

namespace {

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// The name that is the whole of `rdata`.
Result<std::string> whole_name(std::string_view rdata) {
  TRY(auto name, parse_wire_name(rdata));
  if (name.size != rdata.size()) return fail(Errc::invalid, "bytes follow the name of a record");
  return std::move(name.text);
}

}  // namespace

Result<std::string> parse_address(std::string_view rdata) {
  if (rdata.size() != 4 && rdata.size() != 16)
    return fail(Errc::invalid, "an address record has neither 4 nor 16 bytes");
  std::array<char, INET6_ADDRSTRLEN> text{};
  auto family = rdata.size() == 4 ? AF_INET : AF_INET6;
  inet_ntop(family, rdata.data(), text.data(), text.size());
  return std::string(text.data());
}

Result<Mx> parse_mx(std::string_view rdata) {
  if (rdata.size() < 3) return fail(Errc::invalid, "an MX record is cut off");
  TRY(auto host, whole_name(rdata.substr(2)));
  auto preference = static_cast<std::uint16_t>(byte_at(rdata, 0) << 8 | byte_at(rdata, 1));
  return Mx{preference, std::move(host)};
}

Result<std::string> parse_txt(std::string_view rdata) {
  if (rdata.empty()) return fail(Errc::invalid, "a TXT record has no string");
  std::string text;
  while (!rdata.empty()) {
    auto length = byte_at(rdata, 0);
    rdata.remove_prefix(1);
    if (rdata.size() < length) return fail(Errc::invalid, "a TXT record is cut off");
    text += rdata.substr(0, length);
    rdata.remove_prefix(length);
  }
  return text;
}

Result<std::string> parse_name(std::string_view rdata) {
  return whole_name(rdata);
}

Result<Tlsa> parse_tlsa(std::string_view rdata) {
  if (rdata.size() < 4) return fail(Errc::invalid, "a TLSA record is cut off");
  auto number = [&](std::size_t at) { return static_cast<std::uint8_t>(rdata[at]); };
  return Tlsa{number(0), number(1), number(2), std::string(rdata.substr(3))};
}

Result<std::string> address_data(std::string_view text) {
  std::array<char, 16> bytes{};
  const std::string address(text);
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 4);
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) return std::string(bytes.data(), 16);
  return fail(Errc::invalid, "no IP address");
}

Result<std::string> mx_data(const Mx& mx) {
  TRY(auto host, wire_name(mx.host));
  std::string data{static_cast<char>(mx.preference >> 8), static_cast<char>(mx.preference & 255)};
  return data + host;
}

std::string txt_data(std::string_view text) {
  std::string data;
  do {
    auto piece = text.substr(0, 255);
    data += static_cast<char>(piece.size());
    data += piece;
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return data;
}

Result<std::string> name_data(std::string_view name) {
  return wire_name(name);
}

std::string tlsa_data(const Tlsa& tlsa) {
  std::string data{static_cast<char>(tlsa.usage), static_cast<char>(tlsa.selector),
                   static_cast<char>(tlsa.matching)};
  return data + tlsa.data;
}

}  // namespace todoke::dns
