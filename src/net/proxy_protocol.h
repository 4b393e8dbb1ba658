#pragma once

#include "base/result.h"
#include "net/stream.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace todoke::net {

// The PROXY protocol, version 2 (the binary form): a load balancer tells whose connection it
// carries.
struct ProxyHeader {
  std::size_t length = 0;    // bytes of the header in the input
  std::optional<Peer> peer;  // nothing for LOCAL, the balancer's own health checks
};

// Reads a header from the start of `bytes`.  Nothing: more bytes are needed (at most 536 in all).
// An error: this is no such header.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

// How long the header is that begins so, as far as `bytes` tell.
std::size_t proxy_header_length(std::string_view bytes);

}  // namespace todoke::net
