#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

namespace bench {

// A server that accepts and forgets all mail, as fast as one thread can: what a sender's speed is
// measured against.  Listens on a port of every loopback address.
class Sink {
 public:
  Sink();
  ~Sink();
  int port() const { return port_; }
  std::uint64_t recipients() const { return recipients_; }
  std::uint64_t messages() const { return messages_; }
  std::uint64_t connections() const { return connections_; }

 private:
  struct Conversation;
  void run();
  void answer(Conversation& conversation);

  int listener_ = -1;
  int stop_ = -1;
  int port_ = 0;
  std::atomic<std::uint64_t> recipients_{0}, messages_{0}, connections_{0};
  std::thread thread_;
};

}  // namespace bench
