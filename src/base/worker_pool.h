#pragma once

#include "base/function_ref.h"
#include "base/task.h"

#include <condition_variable>
#include <cstddef>
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

  int threads() const { return static_cast<int>(threads_.size()); }

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

  class Many;
  // Runs work(0) … work(count - 1), on all threads at once, and resumes when all have ended.  See
  // Many for the terms.
  template <class F>
  Task<> run_many(std::size_t count, F& work);  // NOLINT: named by the awaiting caller

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

// Pieces of one piece of work, at most one on each thread of a pool at a time, while their caller
// does something else until it awaits them.  A thread that has done a piece queues for the next, so
// that what others submit comes between the pieces: keep each short.  After a piece that threw, no
// further ones are begun.
class WorkerPool::Many {
 public:
  // Begins work(0) … work(count - 1).  `work` outlives this.
  Many(WorkerPool& pool, std::size_t count, FunctionRef<void(std::size_t)> work);
  Many(const Many&) = delete;
  Many& operator=(const Many&) = delete;
  // Only after wait() has returned or thrown.
  ~Many();

  // Resumes when all pieces have ended, with the first exception.  Once, and always, also when the
  // caller has lost interest.
  [[nodiscard]] Task<> wait();

 private:
  void submit();
  void run_next();

  WorkerPool& pool_;
  const std::size_t count_;
  const FunctionRef<void(std::size_t)> work_;
  std::mutex mutex_;
  std::size_t next_ = 0;
  std::size_t running_ = 0;  // or queued
  std::exception_ptr failure_;
  Completion done_;
};

template <class F>
Task<> WorkerPool::run_many(std::size_t count, F& work) {  // NOLINT: named by the awaiting caller
  Many many(*this, count, work);
  co_await many.wait();
}

}  // namespace todoke
