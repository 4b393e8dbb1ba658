#pragma once

#include "base/result.h"
#include "base/task.h"
#include "net/listener.h"
#include "net/stream.h"

#include <memory>
#include <string>

namespace todoke::app {

// HTTP/1.1 (RFC 9112) as far as Prometheus and load balancers need it: GET /metrics and GET
// /health, one request a connection, 8 KiB and 10 seconds at most.
[[nodiscard]] Task<> serve_metrics(net::Stream& io);  // NOLINT: outlives the session

// `address` as in the configuration: "127.0.0.1:9100" or "[::1]:9100".  Loopback only: the page
// says much about a server and asks for no password.
Result<std::unique_ptr<net::Listener>> open_metrics(net::Runtime& runtime,
                                                    const std::string& address);

}  // namespace todoke::app
