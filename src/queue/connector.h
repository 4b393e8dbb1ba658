#pragma once

#include "queue/dispatcher.h"
#include "queue/journal.h"
#include "queue/parts.h"

#include <expected>
#include <memory>

namespace todoke::queue {

// A conversation with one of a site's servers.
struct Connection {
  ConnectionRecord record;
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<smtp::Client> client;  // over the stream
};

// Why there is none.
struct NoConnection {
  ConnectionRecord record;  // of the last try
  smtp::Ending ending;
  std::string dialogue;
};

// Opens a conversation with a site: its hosts in their order, at most two addresses of each and six
// in all (RFC 5321 §5.1).  A server that answers, and refuses, is the answer: no other is asked, as
// they would say the same.
class Connector {
 public:
  explicit Connector(Parts& parts) : parts_(parts) {}

  using Answer = std::expected<Connection, NoConnection>;
  [[nodiscard]] Task<Answer> open(Route route, std::string provider);

 private:
  [[nodiscard]] Task<Result<smtp::TlsPolicy>> tls_policy(Route route, std::string host,
                                                         bool is_address_secure);
  [[nodiscard]] Task<Answer> open_at(Route route, std::string provider, std::string host,
                                     std::string address, smtp::TlsPolicy policy);
  Parts& parts_;
};

}  // namespace todoke::queue
