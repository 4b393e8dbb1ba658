#pragma once

#include "base/clock.h"
#include "base/task.h"

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace boost::asio {
class execution_context;
class io_context;
}  // namespace boost::asio

namespace todoke::net {

class Reaper;

// The I/O threads, each with an event loop of its own.  A session lives and dies on one of them.
class Runtime {
 public:
  // `threads` event loops; start() starts them.  Ignores SIGPIPE from now on.
  Runtime(const Clock& clock, int threads);
  ~Runtime();

  int threads() const;
  // Starts the threads and returns.
  void start();
  // Starts `task` on one thread's loop.  What it throws is logged as an error under `name`.
  void spawn(int thread, std::string_view name, Task<> task);
  // Runs `work` on one thread's loop.
  void post(int thread, std::function<void()> work);

  // Tells every stream that the server stops: waits for input that are interruptible end now or
  // when they next begin, all others go on.
  void interrupt_idle();
  // Ends every connection now.
  void close_all();
  // Ends the loops once nothing runs there any more, and joins the threads.
  void stop();

  // For net/ itself.
  boost::asio::io_context& context(int thread);
  Reaper& reaper(int thread);
  // Whose loop `context` is, which must be one of these.
  int thread_of(const boost::asio::execution_context& context) const;
  const Clock& clock() const { return clock_; }

 private:
  struct Loop;
  const Clock& clock_;
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace todoke::net
