#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "net/stream.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace todoke::delivery {
class Delivery;
}
namespace todoke::directory {
class Directory;
}
namespace todoke::net {
class TlsHolder;
}
namespace todoke::store {
class Store;
}

namespace todoke::imap {

// Whether a password may cross a connection without TLS.  Over a Unix socket it always may.
enum class PlainTextLogin { refused, allowed };

struct Limits {
  std::chrono::seconds before_login{60};  // from the greeting, or from STARTTLS, to the login
  std::chrono::seconds idle{1800};        // RFC 9051 §5.4: at least 30 minutes
  std::chrono::seconds stalled{120};      // for each piece of a large answer or literal
  int mistakes_before_login = 3;          // wrong commands, then the connection is closed
  int mistakes_in_a_row = 50;             // the same after login
  int failed_logins = 3;
};

// What all sessions of the IMAP service share.  app/ makes one; it outlives its sessions, and what
// it refers to outlives it.
struct Server {
  store::Store& store;
  directory::Directory& directory;
  delivery::Delivery& delivery;
  const Clock& clock;
  IdGenerator& ids;                       // of sessions, for the log
  const net::TlsHolder* tls = nullptr;    // null: no STARTTLS
  std::string host;                       // our name, in the greeting
  std::uint64_t append_limit = 50 << 20;  // octets of one message, RFC 7889
  Limits limits{};
  net::Farewells farewells{.timed_out = "* BYE Idle for too long\r\n",
                           .stopping = "* BYE The server is stopping\r\n"};
};

// Speaks IMAP4rev1 (RFC 3501) and IMAP4rev2 (RFC 9051) on one connection, from the greeting to
// LOGOUT.  Throws net::Closed when the peer is gone.
[[nodiscard]] Task<> serve(const Server& server,  // NOLINT: both outlive the session
                           net::Stream& io, PlainTextLogin plain_text);

}  // namespace todoke::imap
