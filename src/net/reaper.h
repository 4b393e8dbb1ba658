#pragma once

#include "base/clock.h"

#include <cstddef>
#include <vector>

namespace todoke::net {

class TcpStream;

// Keeps the deadlines of one thread's connections: a look at all of them once a second costs less
// than a timer for each command of each connection.  That thread only.
class Reaper {
 public:
  explicit Reaper(const Clock& clock) : clock_(clock) {}

  void add(TcpStream& stream);
  void remove(TcpStream& stream);
  std::size_t size() const { return streams_.size(); }
  Steady now() const { return clock_.steady(); }
  bool stopping() const { return stopping_; }

  void close_overdue();
  void interrupt_idle();
  void close_all();

 private:
  const Clock& clock_;
  std::vector<TcpStream*> streams_;  // each knows its index, so removing is a swap
  bool stopping_ = false;
};

}  // namespace todoke::net
