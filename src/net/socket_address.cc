#include "net/socket_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

namespace todoke::net {

Result<socklen_t> to_socket_address(const std::string& address, std::uint16_t port,
                                    SocketAddress& out) {
  std::memset(&out, 0, sizeof out);
  if (address.starts_with('/')) {
    if (address.size() >= sizeof out.unix_path.sun_path)
      return fail(Errc::invalid, "socket path too long: " + address);
    out.unix_path.sun_family = AF_UNIX;
    std::ranges::copy(address, out.unix_path.sun_path);
    return static_cast<socklen_t>(sizeof out.unix_path);
  }
  if (inet_pton(AF_INET, address.c_str(), &out.v4.sin_addr) == 1) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(port);
    return static_cast<socklen_t>(sizeof out.v4);
  }
  if (inet_pton(AF_INET6, address.c_str(), &out.v6.sin6_addr) == 1) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(port);
    return static_cast<socklen_t>(sizeof out.v6);
  }
  return fail(Errc::invalid, "not an IP address or socket path: " + address);
}

void read_socket_address(const SocketAddress& from, std::string& address, std::uint16_t& port) {
  char text[INET6_ADDRSTRLEN] = {};
  if (from.any.sa_family == AF_INET) {
    inet_ntop(AF_INET, &from.v4.sin_addr, text, sizeof text);
    port = ntohs(from.v4.sin_port);
  } else if (from.any.sa_family == AF_INET6) {
    if (IN6_IS_ADDR_V4MAPPED(&from.v6.sin6_addr))
      inet_ntop(AF_INET, from.v6.sin6_addr.s6_addr + 12, text, sizeof text);
    else
      inet_ntop(AF_INET6, &from.v6.sin6_addr, text, sizeof text);
    port = ntohs(from.v6.sin6_port);
  } else {
    std::strcpy(text, "unix");
  }
  address = text;
}

void read_local_address(int descriptor, Peer& peer) {
  SocketAddress local{};
  socklen_t size = sizeof local;
  if (getsockname(descriptor, &local.any, &size) == 0)
    read_socket_address(local, peer.local_address, peer.local_port);
}

}  // namespace todoke::net
