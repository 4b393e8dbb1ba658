#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/task.h"
#include "net/stream.h"

#include <chrono>
#include <string>

namespace todoke::directory {
class Directory;
}
namespace todoke::net {
class TlsHolder;
}
namespace todoke::store {
class Store;
}

namespace todoke::pop3 {

// Whether a password may cross a connection without TLS.  Over a Unix socket it always may.
enum class PlainTextLogin { refused, allowed };

struct Limits {
  std::chrono::seconds before_login{60};  // from the greeting, or from STLS, to the login
  std::chrono::seconds idle{600};         // RFC 1939 §3: at least ten minutes
  int mistakes_before_login = 3;          // wrong commands, then the connection is closed
  int failed_logins = 3;
};

// What all sessions of the POP3 service share.  app/ makes one; it outlives its sessions, and what
// it refers to outlives it.
struct Server {
  store::Store& store;
  directory::Directory& directory;
  const Clock& clock;
  IdGenerator& ids;                     // of sessions, for the log
  const net::TlsHolder* tls = nullptr;  // null: no STLS
  std::string host;                     // our name, in the greeting
  Limits limits{};
  // RFC 1939 §3: a session that timed out ends without a word.
  net::Farewells farewells{.timed_out = {},
                           .stopping = "-ERR [SYS/TEMP] The server is stopping\r\n"};
};

// Speaks POP3 on one connection, from the greeting to QUIT.  RFC 1939, RFC 2449, RFC 2595 §4,
// RFC 3206, RFC 5034, RFC 6856.  Nothing is deleted but by a QUIT that was answered, or lost on its
// way after the deletion was durable.  Throws net::Closed when the peer is gone.
[[nodiscard]] Task<> serve(const Server& server,  // NOLINT: both outlive the session
                           net::Stream& io, PlainTextLogin plain_text);

}  // namespace todoke::pop3
