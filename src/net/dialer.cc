#include "net/dialer.h"

#include "net/runtime.h"
#include "net/socket_address.h"
#include "net/tcp_stream.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace todoke::net {
namespace {

namespace asio = boost::asio;
using Kind = DialFailure::Kind;

constexpr const char* we_stop = "we are stopping";

DialFailure describe_failure(int error) {
  Kind kind = Kind::other;
  switch (error) {
    case ECONNREFUSED:
      kind = Kind::refused;
      break;
    case ECONNRESET:
      kind = Kind::reset;
      break;
    case ETIMEDOUT:
      kind = Kind::timed_out;
      break;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:  // no address of ours of this family
    case EAFNOSUPPORT:
      kind = Kind::unreachable;
      break;
    default:
      break;
  }
  return {kind, std::generic_category().message(error)};
}

std::unexpected<DialFailure> fail_with(int error) {
  return std::unexpected(describe_failure(error));
}

// A socket whose connection is under way, or has come about already.
std::expected<int, DialFailure> begin(const Destination& to) {
  SocketAddress remote;
  auto remote_size = to_socket_address(to.address, to.port, remote);
  if (!remote_size) return std::unexpected(DialFailure{Kind::other, remote_size.error().text});
  int descriptor = ::socket(remote.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail_with(errno);
  auto give_up = [&](DialFailure why) {
    ::close(descriptor);
    return std::unexpected(std::move(why));
  };
  if (!to.from.empty()) {
    SocketAddress local;
    auto local_size = to_socket_address(to.from, 0, local);
    if (!local_size) return give_up({Kind::other, local_size.error().text});
    // Without this each bound socket would take a port of its own for good.
    int on = 1;
    setsockopt(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (local.any.sa_family != remote.any.sa_family)
      return give_up({Kind::unreachable, "no address of ours is of this family"});
    if (::bind(descriptor, &local.any, *local_size) != 0) return give_up(describe_failure(errno));
  }
  int on = 1;
  if (remote.any.sa_family != AF_UNIX)
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor, &remote.any, *remote_size) != 0 && errno != EINPROGRESS)
    return give_up(describe_failure(errno));
  return descriptor;
}

}  // namespace

TcpDialer::TcpDialer(Runtime& runtime)
    : runtime_(runtime),
      gauge_("net_outgoing_connections", "Connections to other servers open now.", "",
             [this] { return static_cast<double>(connections()); }) {}

Task<Dialer::Answer> TcpDialer::dial(Destination destination) {
  auto executor = co_await asio::this_coro::executor;
  int thread = runtime_.thread_of(asio::query(executor, asio::execution::context));
  auto& reaper = runtime_.reaper(thread);
  if (reaper.stopping()) co_return std::unexpected(DialFailure{Kind::other, we_stop});
  auto descriptor = begin(destination);
  if (!descriptor) co_return std::unexpected(std::move(descriptor).error());

  Peer peer{.address = destination.address, .port = destination.port};
  if (peer.address.starts_with('/')) peer = {.address = "unix"};
  auto stream =
      std::make_unique<TcpStream>(runtime_.context(thread), reaper, *descriptor, std::move(peer));
  stream->count_in(connections_);
  stream->set_deadline(destination.timeout);
  DialFailure why;
  try {
    int error = co_await stream->connected();
    if (error == 0) co_return stream;
    why = describe_failure(error);
  } catch (const Closed& closed) {
    bool late = closed.reason == Closed::Reason::timed_out;
    bool stopping = closed.reason == Closed::Reason::stopping;
    why = {late ? Kind::timed_out : Kind::other, stopping ? we_stop : closed.what()};
  }
  co_return std::unexpected(std::move(why));
}

}  // namespace todoke::net
