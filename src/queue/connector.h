#pragma once

#include "queue/dispatcher.h"
#include "queue/journal.h"
#include "queue/parts.h"

#include <expected>
#include <memory>

namespace todoke::queue {

// What is asked of a site's servers.
enum class Protection {
  as_routed,  // by DANE, by the domain's MTA-STS policy, for a smarthost: otherwise TLS if offered
  proven,     // for messages that require TLS: RFC 8689 §4.2.1 steps 2 to 5
};

// A conversation with one of a site's servers.
struct Connection {
  ConnectionRecord record;
  std::unique_ptr<net::Stream> stream;
  std::unique_ptr<smtp::Client> client;  // over the stream
  bool is_proven = false;                // as Protection::proven asks
};

// Why there is none.
struct NoConnection {
  ConnectionRecord record;  // of the last try
  smtp::Ending ending;
  std::string dialogue;
  // A server was there that only Protection::proven turned away: this says nothing of the site.
  bool only_unproven = false;
};

// Opens a conversation with a site: its hosts in their order, at most two addresses of each and six
// in all (RFC 5321 §5.1).  A server that answers, and refuses, is the answer: no other is asked, as
// they would say the same.
//
// Where the domain has an MTA-STS policy that is enforced, and no TLSA records that can be used,
// hosts that it does not name are passed over, and the others must have a valid certificate
// (RFC 8461 §5).  With DANE that alone counts.
class Connector {
 public:
  explicit Connector(Parts& parts) : parts_(parts) {}

  using Answer = std::expected<Connection, NoConnection>;
  [[nodiscard]] Task<Answer> open(Route route, std::string provider,
                                  Protection protection = Protection::as_routed);

 private:
  // What TLS a host needs, or why it is passed over.
  struct Demand {
    smtp::TlsPolicy policy;
    bool is_raised = false;  // by Protection::proven alone
  };
  struct PassedOver {
    smtp::Ending ending;
    bool only_unproven = false;
  };
  [[nodiscard]] Task<std::expected<Demand, PassedOver>> demand(Route route, std::string host,
                                                               bool is_address_secure,
                                                               Protection protection);
  [[nodiscard]] Task<Answer> open_host(Route route, std::string provider, std::string host,
                                       std::string address, Demand demand, Protection protection);
  [[nodiscard]] Task<Answer> open_at(Route route, std::string provider, std::string host,
                                     std::string address, smtp::TlsPolicy policy);
  Parts& parts_;
};

}  // namespace todoke::queue
