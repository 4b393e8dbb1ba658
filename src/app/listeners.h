#pragma once

#include "app/installation.h"
#include "base/metrics.h"
#include "imap/server/server.h"
#include "net/listener.h"
#include "net/runtime.h"
#include "net/tls.h"
#include "pop3/server.h"
#include "smtp/server/server.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace todoke::app {

// Where one protocol can be reached.
struct Reachable {
  std::string protocol;
  std::string address;  // or the path of a Unix socket, with port 0
  std::uint16_t port = 0;
};

// All listening sockets of the server and what their sessions share.
class Listeners {
 public:
  // Binds every socket that the configuration names, and the admin socket; accepts after start().
  static Result<std::unique_ptr<Listeners>> open(Installation& installation, net::TlsHolder& tls,
                                                 net::Runtime& runtime);
  void start();
  void stop();
  std::size_t connections() const;
  // Waits until every session has ended, after stop() and Runtime::close_all().
  void drain();
  std::vector<Reachable> ready() const;

 private:
  Listeners(Installation& installation, net::TlsHolder& tls, net::Runtime& runtime);
  Result<> add(const ListenerConfig& config);
  void adopt(std::unique_ptr<net::Listener> listener);
  Result<> add_service(net::ListenerOptions options, net::Listener::Session session);
  net::Listener::Session smtp_session(const ListenerConfig& config, smtp::Face face);
  net::Listener::Session pop3_session(const ListenerConfig& config);
  net::Listener::Session imap_session(const ListenerConfig& config);

  Installation& installation_;
  net::TlsHolder& tls_;
  net::Runtime& runtime_;
  smtp::SubmissionRate submission_rate_;
  std::deque<smtp::Server> smtp_servers_;
  pop3::Server pop3_server_;
  imap::Server imap_server_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::vector<std::unique_ptr<metrics::Gauge>> gauges_;
};

}  // namespace todoke::app
