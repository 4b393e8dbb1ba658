#include "net/runtime.h"

#include "base/assert.h"
#include "base/log.h"
#include "net/reaper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <pthread.h>
#include <thread>
#include <vector>

namespace todoke::net {

namespace asio = boost::asio;

struct Runtime::Loop {
  explicit Loop(const Clock& clock)
      : context(1), reaper(clock), timer(context), work(asio::make_work_guard(context)) {}

  // Looks for overdue connections once a second, for as long as the loop runs.
  void tick() {
    timer.expires_after(std::chrono::seconds(1));
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      reaper.close_overdue();
      tick();
    });
  }

  asio::io_context context;
  Reaper reaper;
  asio::steady_timer timer;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::thread thread;
};

Runtime::Runtime(const Clock& clock, int threads) : clock_(clock) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL; a peer that is gone is an error, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < threads; ++i) loops_.push_back(std::make_unique<Loop>(clock));
}

Runtime::~Runtime() {
  stop();
}

int Runtime::threads() const {
  return static_cast<int>(loops_.size());
}

void Runtime::start() {
  for (auto& loop : loops_) {
    loop->tick();
    loop->thread = std::thread([l = loop.get()] {
      pthread_setname_np(pthread_self(), "todoke-io");
      l->context.run();
    });
  }
}

void Runtime::spawn(int thread, std::string_view name, Task<> task) {
  asio::co_spawn(context(thread), std::move(task),
                 [label = std::string(name)](const std::exception_ptr& failure) {
                   if (!failure) return;
                   try {
                     std::rethrow_exception(failure);
                   } catch (const std::exception& e) {
                     log::error("net.task_failed", {{"task", label}, {"error", e.what()}});
                   }
                 });
}

void Runtime::post(int thread, std::function<void()> work) {
  asio::post(context(thread), std::move(work));
}

void Runtime::interrupt_idle() {
  for (auto& loop : loops_)
    asio::post(loop->context, [l = loop.get()] { l->reaper.interrupt_idle(); });
}

void Runtime::close_all() {
  for (auto& loop : loops_) asio::post(loop->context, [l = loop.get()] { l->reaper.close_all(); });
}

void Runtime::stop() {
  for (auto& loop : loops_) {
    if (!loop->thread.joinable()) continue;
    asio::post(loop->context, [l = loop.get()] {
      l->timer.cancel();
      l->work.reset();
    });
  }
  for (auto& loop : loops_)
    if (loop->thread.joinable()) loop->thread.join();
}

asio::io_context& Runtime::context(int thread) {
  return loops_[static_cast<std::size_t>(thread)]->context;
}

Reaper& Runtime::reaper(int thread) {
  return loops_[static_cast<std::size_t>(thread)]->reaper;
}

int Runtime::thread_of(const asio::execution_context& context) const {
  auto is_it = [&](const auto& loop) { return &loop->context == &context; };
  auto found = std::ranges::find_if(loops_, is_it);
  TODOKE_ASSERT(found != loops_.end());
  return static_cast<int>(found - loops_.begin());
}

}  // namespace todoke::net
