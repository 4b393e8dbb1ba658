#pragma once

#include "base/task.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

namespace todoke {

// A few threads for work that computes for long or waits for a disk: password hashes, cold reads,
// large MIME.  Sessions await its result on their own thread.
class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  // Finishes what is queued.
  ~WorkerPool();

  // Runs `work()` on a worker thread; its exceptions arrive here.  `work` is named by the awaiting
  // caller and outlives the call.
  template <class F>
  Task<std::invoke_result_t<F&>> run(F& work) {  // NOLINT: named by the awaiting caller
    using Answer = std::invoke_result_t<F&>;
    std::optional<std::conditional_t<std::is_void_v<Answer>, bool, Answer>> answer;
    std::exception_ptr failure;
    Completion done;
    auto job = [&] {
      try {
        if constexpr (std::is_void_v<Answer>)
          work();
        else
          answer.emplace(work());
      } catch (...) {
        failure = std::current_exception();
      }
      done.set();
    };
    submit(job);
    co_await done.wait();
    if (failure) std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<Answer>) co_return *std::move(answer);
  }

  std::size_t waiting() const;

 private:
  void submit(std::function<void()> job);
  void work();

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace todoke
