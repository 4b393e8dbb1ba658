#pragma once

#include "base/task.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

namespace todoke::test {

// Runs make(0) … make(count - 1) at once as coroutines, spread over `executors` threads, and
// returns when all have ended.  `started` is called when all coroutines of this many executors have
// run to their first suspension.  Rethrows the first exception.
inline void concurrently(int count, int executors, const std::function<Task<>(int)>& make,
                         const std::function<void()>& started = {}) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(executors));
  std::atomic<int> ready{0};
  for (int e = 0; e < executors; ++e)
    threads.emplace_back([&, e] {
      boost::asio::io_context context(1);
      auto ended = [&failure = failures[static_cast<std::size_t>(e)]](std::exception_ptr error) {
        if (error && !failure) failure = error;
      };
      for (int i = e; i < count; i += executors) boost::asio::co_spawn(context, make(i), ended);
      context.poll();
      if (++ready == executors && started) started();
      context.run();
    });
  for (auto& thread : threads) thread.join();
  for (auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace todoke::test
