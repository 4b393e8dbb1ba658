#include "net/proxy_protocol.h"

#include <arpa/inet.h>

namespace todoke::net {
namespace {

constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t fixed_length = 16;
constexpr std::size_t max_length = 536 - fixed_length;

std::uint16_t read_u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(bytes[at]) << 8) |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

std::string address_text(int family, std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(family, bytes.data(), text, sizeof text);
  return text;
}

// `size` is that of one address: source, destination, then the two ports.
Peer read_peer(int family, std::string_view body, std::size_t size) {
  return {.address = address_text(family, body.substr(0, size)),
          .port = read_u16(body, 2 * size),
          .local_address = address_text(family, body.substr(size, size)),
          .local_port = read_u16(body, 2 * size + 2)};
}

}  // namespace

std::size_t proxy_header_length(std::string_view bytes) {
  return fixed_length + (bytes.size() < fixed_length ? 0 : read_u16(bytes, 14));
}

Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes) {
  auto seen = bytes.substr(0, signature.size());
  if (seen != signature.substr(0, seen.size()))
    return fail(Errc::invalid, "expected a PROXY protocol version 2 header");
  if (bytes.size() < fixed_length) return std::optional<ProxyHeader>();
  auto version = static_cast<unsigned char>(bytes[12]);
  std::size_t length = read_u16(bytes, 14);
  if (version >> 4 != 2 || (version & 15) > 1 || length > max_length)
    return fail(Errc::invalid, "unknown version, command or length of a PROXY header");
  if (bytes.size() < fixed_length + length) return std::optional<ProxyHeader>();
  ProxyHeader header{.length = fixed_length + length, .peer = {}};
  if ((version & 15) == 0) return header;  // LOCAL
  auto body = bytes.substr(fixed_length, length);
  auto family = static_cast<unsigned char>(bytes[13]);
  if (family == 0x11 && length >= 12)
    header.peer = read_peer(AF_INET, body, 4);
  else if (family == 0x21 && length >= 36)
    header.peer = read_peer(AF_INET6, body, 16);
  else
    return fail(Errc::invalid, "a PROXY header that is not of TCP over IPv4 or IPv6");
  return header;
}

}  // namespace todoke::net
