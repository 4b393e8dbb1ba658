#pragma once

#include "base/metrics.h"
#include "net/stream.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

namespace todoke::net {

class Runtime;

// Where to connect to: one address, no name.
struct Destination {
  std::string address;  // "192.0.2.7", "2001:db8::7" or the path of a Unix socket (begins with "/")
  std::uint16_t port = 25;
  std::string from;  // the address of ours to call from, or empty: as the system likes
  std::chrono::seconds timeout{30};
};

// Why there is no connection.
struct DialFailure {
  enum class Kind { refused, reset, timed_out, unreachable, other };
  Kind kind = Kind::other;
  std::string text;
};

// Opens connections to others.  Tests give scripted streams.
class Dialer {
 public:
  using Answer = std::expected<std::unique_ptr<Stream>, DialFailure>;

  virtual ~Dialer() = default;
  // Never throws Closed.  The stream belongs to the calling coroutine and its thread.
  [[nodiscard]] virtual Task<Answer> dial(Destination destination) = 0;
};

// Over TCP and Unix sockets.  dial() is called by coroutines that run on one of the runtime's
// threads; the stream lives there, and ends with the others when the runtime closes all.  A runtime
// that stops dials no more.  Outlives its streams.
class TcpDialer final : public Dialer {
 public:
  explicit TcpDialer(Runtime& runtime);
  [[nodiscard]] Task<Answer> dial(Destination destination) override;

  // Connections open now, those that are still being dialled too.
  std::size_t connections() const { return connections_.load(); }

 private:
  Runtime& runtime_;
  std::atomic<std::size_t> connections_{0};
  metrics::Gauge gauge_;
};

}  // namespace todoke::net
