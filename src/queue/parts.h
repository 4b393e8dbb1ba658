#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/worker_pool.h"
#include "blob/store.h"
#include "dns/mail_hosts.h"
#include "dns/resolver.h"
#include "net/dialer.h"
#include "net/tls_client.h"
#include "provider/book.h"
#include "queue/postman.h"
#include "queue/renderer.h"
#include "queue/signer.h"
#include "smtp/client/client.h"
#include "sql/db.h"
#include "trust/sts_cache.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace todoke::queue {

struct Options {
  std::string helo;         // our name
  std::uint16_t port = 25;  // of other servers; tests have others
  std::string source;       // the address of ours to call from; empty: as the system likes
  dns::Families families = dns::Families::both;
  dns::Loopback loopback = dns::Loopback::skipped;  // allowed in tests
  smtp::Timeouts timeouts;
  std::chrono::seconds connect_timeout{30};
  int max_connections = 500;
  // With false nothing is sent, and all else works: for a copy of an installation.
  bool sends = true;
};

// Everything that sending needs, made by app/ and outliving the queue.
struct Parts {
  sql::Db& db;
  blob::Store& blobs;
  const Clock& clock;
  IdGenerator& ids;
  WorkerPool& pool;
  dns::Resolver& resolver;
  net::Dialer& dialer;
  const provider::Book& book;
  std::shared_ptr<const net::TlsClient> tls;  // shared with connections
  trust::StsPolicies* sts = nullptr;          // null: MTA-STS is not minded
  Options options;
  Signer* signer = nullptr;  // nobody signs
  // By Message::renderer; "" is for messages sent as they are stored.
  std::map<std::string, Renderer*> renderers;
  Postman* postman = nullptr;  // nobody hears of anything
  // The address to which bounces of this copy come back, for ReturnPath::per_recipient.
  std::function<std::string(const Message&, RecipientId)> bounce_address;
  // Runs a coroutine on the queue's thread.
  std::function<void(Task<>)> spawn;
};

}  // namespace todoke::queue
