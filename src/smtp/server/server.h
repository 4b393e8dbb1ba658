#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "delivery/delivery.h"
#include "directory/directory.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtp/server/rate_limit.h"

#include <cstdint>
#include <string>

namespace todoke::smtp {

// Who calls on a listener, and what that means.
enum class Face {
  mx,          // other servers, to our own addresses only (port 25)
  submission,  // our accounts, to anywhere, after signing in (ports 587 and 465)
  lmtp,        // a trusted program on this machine, to our own addresses (RFC 2033)
};

// What all sessions of one listener share.  Lives as long as the server; read by many threads.
struct Server {
  Face face = Face::mx;
  std::string host;  // our name in the greeting and in trace headers
  delivery::Delivery& delivery;
  directory::Directory& directory;
  const Clock& clock;
  IdGenerator& ids;
  SubmissionRate& rate;
  const net::TlsHolder* tls = nullptr;  // for STARTTLS; null: not offered
  bool allow_plain_text_login = false;  // signing in without TLS
  std::uint64_t max_message_size = 50 << 20;
  std::size_t max_recipients = 1000;  // RFC 5321 §4.5.3.1.8 asks for 100 at least
  net::Farewells farewells{};

  // With the farewells that belong to `host`.
  static net::Farewells make_farewells(const std::string& host);
};

}  // namespace todoke::smtp
