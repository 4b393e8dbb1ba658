#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "dns/mail_hosts.h"
#include "dns/resolver.h"
#include "http/response_reader.h"
#include "net/dialer.h"
#include "net/tls_client.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace todoke::http {

// What to get: https://host:port/path.
struct Request {
  std::string host;        // a name in A-labels; the certificate must be for it
  std::string path = "/";  // with the query, as it goes over the wire: RFC 9112 §3.2.1 origin-form
  std::uint16_t port = 443;
  std::string accept = "*/*";  // the Accept field
};

struct ClientOptions {
  std::size_t max_body = 64 * 1024;
  std::chrono::seconds connect_timeout{10};  // for each address
  // For everything after the addresses are known, all of them together.
  std::chrono::seconds timeout{60};
  dns::Families families = dns::Families::both;
  dns::Loopback loopback = dns::Loopback::skipped;  // allowed in tests
};

// Gets small things from web servers: always over TLS with a certificate of a known authority, in
// bounded time and memory, on a connection of its own each, following no redirects and keeping no
// cookies.  Runs on the caller's thread; several calls may be under way.
class Client {
 public:
  Client(const Clock& clock, dns::Resolver& resolver, net::Dialer& dialer,
         std::shared_ptr<const net::TlsClient> tls, ClientOptions options = {})
      : clock_(clock),
        resolver_(resolver),
        dialer_(dialer),
        tls_(std::move(tls)),
        options_(options) {}

  // The response, whatever its status, of the first of the host's addresses that gives one; at most
  // four are tried.  Does not throw Closed.  Errors: invalid: the request makes no sense, or the
  // response is no HTTP.  not_found: no such host.  over_limit: the response is too long.
  // unavailable: no connection, no certificate that does, or no time left; the text says which.
  [[nodiscard]] Task<Result<Response>> get(Request request);

 private:
  [[nodiscard]] Task<Result<Response>> get_at(std::string address, Request request, Steady latest);
  // What is left of the time, at least a second.
  std::chrono::seconds left(Steady latest) const;

  const Clock& clock_;
  dns::Resolver& resolver_;
  net::Dialer& dialer_;
  const std::shared_ptr<const net::TlsClient> tls_;  // shared with connections
  const ClientOptions options_;
};

}  // namespace todoke::http
