#pragma once

#include "base/result.h"
#include "net/gate.h"
#include "net/stream.h"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace todoke::net {

class Runtime;
class TcpStream;
class TlsHolder;

struct ListenerOptions {
  std::string name;        // for logs and metrics, e.g. "submission"
  std::string address;     // "127.0.0.1", "::", or the path of a Unix socket (begins with "/")
  std::uint16_t port = 0;  // 0: any free one, see Listener::port()
  bool implicit_tls = false;
  TlsHolder* tls = nullptr;  // for implicit TLS; sessions find theirs elsewhere
  std::size_t max_connections = 10'000;
  // Never counted for loopback.  Behind a proxy it counts whom the header names.
  std::size_t max_connections_per_network = 200;
  std::chrono::seconds handshake_time{30};  // for the PROXY header and implicit TLS
  std::vector<std::string> proxies;  // addresses that begin with a PROXY v2 header; else none does
  std::string too_many;              // said to a connection over a limit, e.g. "421 4.7.0 …\r\n"
};

// Accepts connections on one socket and runs a session for each, spread over the I/O threads.
class Listener {
 public:
  // Runs one connection to its end.  Throws Closed when the peer is gone.
  using Session = std::function<Task<>(Stream&)>;

  // Binds at once, so that errors come early; accepts after start().
  static Result<std::unique_ptr<Listener>> open(Runtime& runtime, ListenerOptions options,
                                                Session session);
  ~Listener();

  void start();
  // Accepts no more.  Any thread; connections go on.
  void stop();
  // Waits until every connection has ended, after stop().
  [[nodiscard]] Task<> drained() { return gate_.close(); }

  std::uint16_t port() const { return port_; }
  const ListenerOptions& options() const { return options_; }
  std::size_t connections() const { return gate_.inside(); }

 private:
  struct Acceptor;
  class Share;
  Listener(Runtime& runtime, ListenerOptions options, Session session);
  [[nodiscard]] Task<> accept_loop();
  void handle(int descriptor, Peer peer);
  void log_too_many(const Peer& peer) const;
  [[nodiscard]] Task<> run(int thread, int descriptor, Peer peer, Gate::Pass pass, Share share);
  [[nodiscard]] Task<> converse(TcpStream& stream, Share share);  // NOLINT: owned by run()'s frame
  [[nodiscard]] Task<> read_proxy_header(TcpStream& stream);      // NOLINT: owned by run()'s frame
  bool is_proxy(const std::string& address) const;
  // Nothing: its network has all that it may have.
  std::optional<Share> take_share(const Peer& peer);

  Runtime& runtime_;
  ListenerOptions options_;
  Session session_;
  std::unique_ptr<Acceptor> acceptor_;
  std::uint16_t port_ = 0;
  Gate gate_;
  int next_thread_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::size_t> per_network_;
};

}  // namespace todoke::net
