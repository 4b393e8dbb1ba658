#pragma once

#include "app/installation.h"
#include "base/result.h"
#include "net/runtime.h"

#include <memory>

namespace todoke::app {

// What sends mail to other servers: the queue with the resolver and the dialer that it works by.
// Its coroutines run on the last of the runtime's threads.
class Outgoing {
 public:
  // Reads keys and certificates, so it is made before rights are given up.
  static Result<std::unique_ptr<Outgoing>> open(Installation& installation, net::Runtime& runtime);
  ~Outgoing();

  // Begins to send, once the runtime runs.
  void start();
  // Begins nothing more; is_idle() tells when nothing is in flight any more.  What is then cut by
  // closing its connection ends in order, or is in doubt.
  void stop();
  bool is_idle() const;
  // Waits for that, after the runtime has closed all connections.
  void drain();

 private:
  struct Impl;
  explicit Outgoing(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::app
