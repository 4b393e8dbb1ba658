#include "net/listener.h"

#include "base/log.h"
#include "net/proxy_protocol.h"
#include "net/runtime.h"
#include "net/socket_address.h"
#include "net/tcp_stream.h"
#include "net/tls.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace todoke::net {
namespace {

namespace asio = boost::asio;

std::string last_error() {
  return std::generic_category().message(errno);
}

Peer describe(int descriptor, const SocketAddress& remote) {
  Peer peer;
  read_socket_address(remote, peer.address, peer.port);
  read_local_address(descriptor, peer);
  return peer;
}

// An old socket file of ours that nobody listens on any more is in the way of a new one.
void remove_dead_socket(const SocketAddress& at, socklen_t size) {
  int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool alive = ::connect(probe, &at.any, size) == 0;
  ::close(probe);
  struct stat status{};
  if (!alive && ::stat(at.unix_path.sun_path, &status) == 0 && S_ISSOCK(status.st_mode))
    ::unlink(at.unix_path.sun_path);
}

Result<int> bind_and_listen(const ListenerOptions& options) {
  SocketAddress at;
  TRY(auto size, to_socket_address(options.address, options.port, at));
  auto where = options.address + (options.port != 0 ? fmt::format(" port {}", options.port) : "");
  int descriptor = ::socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return fail(Errc::unavailable, "no socket for " + where + ": " + last_error());
  int on = 1, off = 0;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.any.sa_family == AF_INET6)
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (at.any.sa_family == AF_UNIX) remove_dead_socket(at, size);
  if (::bind(descriptor, &at.any, size) != 0 || ::listen(descriptor, 1024) != 0) {
    auto why = last_error();
    ::close(descriptor);
    return fail(Errc::unavailable, "cannot listen on " + where + ": " + why);
  }
  if (at.any.sa_family == AF_UNIX) ::chmod(options.address.c_str(), 0660);
  return descriptor;
}

}  // namespace

struct Listener::Acceptor {
  Acceptor(asio::io_context& context, int descriptor) : socket(context, descriptor) {}
  asio::posix::stream_descriptor socket;
  bool stopped = false;
};

// One connection's part of what its network may have at once; given back when destroyed.
class Listener::Share {
 public:
  Share() = default;  // of nothing
  Share(Listener& listener, std::string network)
      : listener_(&listener), network_(std::move(network)) {}
  Share(Share&& other) noexcept { *this = std::move(other); }
  Share& operator=(Share&& other) noexcept {
    std::swap(listener_, other.listener_);
    std::swap(network_, other.network_);
    return *this;
  }
  ~Share() {
    if (listener_ == nullptr) return;
    std::lock_guard lock(listener_->mutex_);
    auto found = listener_->per_network_.find(network_);
    if (--found->second == 0) listener_->per_network_.erase(found);
  }

 private:
  Listener* listener_ = nullptr;
  std::string network_;
};

Listener::Listener(Runtime& runtime, ListenerOptions options, Session session)
    : runtime_(runtime), options_(std::move(options)), session_(std::move(session)) {}

Listener::~Listener() {
  if (options_.address.starts_with('/')) ::unlink(options_.address.c_str());
}

Result<std::unique_ptr<Listener>> Listener::open(Runtime& runtime, ListenerOptions options,
                                                 Session session) {
  TRY(int descriptor, bind_and_listen(options));
  std::unique_ptr<Listener> made(new Listener(runtime, std::move(options), std::move(session)));
  made->port_ = describe(descriptor, SocketAddress{}).local_port;
  made->acceptor_ = std::make_unique<Acceptor>(runtime.context(0), descriptor);
  return made;
}

void Listener::start() {
  runtime_.spawn(0, "listener " + options_.name, accept_loop());
}

void Listener::stop() {
  runtime_.post(0, [this] {
    acceptor_->stopped = true;
    boost::system::error_code ignored;
    acceptor_->socket.close(ignored);
  });
}

Task<> Listener::accept_loop() {
  while (!acceptor_->stopped) {
    auto [error] = co_await acceptor_->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                                         asio::as_tuple(asio::use_awaitable));
    if (error || acceptor_->stopped) co_return;
    constexpr int at_once = 64;  // then others of this thread have their turn
    bool exhausted = false;
    for (int i = 0; i < at_once; ++i) {
      SocketAddress remote{};
      socklen_t size = sizeof remote;
      int descriptor = ::accept4(acceptor_->socket.native_handle(), &remote.any, &size,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) {
        handle(descriptor, describe(descriptor, remote));
        continue;
      }
      exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (errno != ECONNABORTED && errno != EINTR) break;
    }
    if (!exhausted) continue;
    // Out of descriptors: the backlog stays readable, so a loop without a pause would spin (R16).
    log::error("net.accept_exhausted", {{"listener", options_.name}});
    asio::steady_timer pause(acceptor_->socket.get_executor(), std::chrono::milliseconds(100));
    co_await pause.async_wait(asio::use_awaitable);
  }
}

void Listener::handle(int descriptor, Peer peer) {
  auto pass = gate_.enter();
  auto share = take_share(peer);
  if (!pass || gate_.inside() > options_.max_connections || !share) {
    log_too_many(peer);
    (void)::send(descriptor, options_.too_many.data(), options_.too_many.size(), MSG_NOSIGNAL);
    ::close(descriptor);
    return;
  }
  int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int thread = next_thread_;
  next_thread_ = (next_thread_ + 1) % runtime_.threads();
  runtime_.spawn(thread, options_.name,
                 run(thread, descriptor, std::move(peer), std::move(pass), *std::move(share)));
}

void Listener::log_too_many(const Peer& peer) const {
  log::warn("net.too_many_connections", {{"listener", options_.name}, {"peer", peer.address}});
}

Task<> Listener::run(int thread, int descriptor, Peer peer, Gate::Pass pass, Share share) {
  {
    TcpStream stream(runtime_.context(thread), runtime_.reaper(thread), descriptor,
                     std::move(peer));
    stream.set_deadline(options_.handshake_time);
    try {
      co_await converse(stream, std::move(share));
    } catch (const Closed& closed) {
      log::debug(
          "net.closed",
          {{"listener", options_.name}, {"peer", stream.peer().address}, {"why", closed.what()}});
    } catch (const std::exception& e) {
      log::error(
          "net.session_failed",
          {{"listener", options_.name}, {"peer", stream.peer().address}, {"error", e.what()}});
    }
  }
  (void)pass;
}

// The share ends here, before the stream does: whoever sees the end may call again at once.
Task<> Listener::converse(TcpStream& stream, Share share) {
  if (is_proxy(stream.peer().address)) {
    co_await read_proxy_header(stream);
    auto named = take_share(stream.peer());
    if (!named) {
      log_too_many(stream.peer());
      stream.write(options_.too_many);
      co_await stream.flush();
      co_return;
    }
    share = *std::move(named);
  }
  if (options_.implicit_tls) {
    auto context = options_.tls->current();
    co_await stream.start_tls(std::move(context));
  }
  auto session = session_(stream);
  co_await std::move(session);
}

Task<> Listener::read_proxy_header(TcpStream& stream) {
  for (;;) {
    auto header = parse_proxy_header(stream.buffered());
    if (!header) throw Closed(header.error().text);
    if (*header) {
      stream.consume((*header)->length);
      if ((*header)->peer) stream.set_peer(*(*header)->peer);
      co_return;
    }
    auto missing = proxy_header_length(stream.buffered()) - stream.buffered().size();
    co_await stream.fill_at_most(missing);
  }
}

bool Listener::is_proxy(const std::string& address) const {
  return std::ranges::find(options_.proxies, address) != options_.proxies.end();
}

std::optional<Listener::Share> Listener::take_share(const Peer& peer) {
  // Whom a proxy brings is known behind its header; when that names nobody, it is the proxy.
  if (peer.is_loopback() || is_proxy(peer.address)) return Share();
  auto network = peer.network();
  std::lock_guard lock(mutex_);
  auto& count = per_network_[network];
  if (count >= options_.max_connections_per_network) return {};
  ++count;
  return Share(*this, std::move(network));
}

}  // namespace todoke::net
