#pragma once

#include "base/result.h"
#include "net/stream.h"

#include <cstdint>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

namespace todoke::net {

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
  sockaddr_un unix_path;
  sockaddr_storage storage;
};

// From an IP address or the path of a Unix socket (begins with "/").
Result<socklen_t> to_socket_address(const std::string& address, std::uint16_t port,
                                    SocketAddress& out);
// IPv4 addresses within IPv6 are shown as IPv4, Unix sockets as "unix".
void read_socket_address(const SocketAddress& from, std::string& address, std::uint16_t& port);
// Our end of a connection.
void read_local_address(int descriptor, Peer& peer);

}  // namespace todoke::net
