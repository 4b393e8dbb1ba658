#include "base/worker_pool.h"

#include "base/assert.h"

#include <algorithm>
#include <pthread.h>
#include <utility>

namespace todoke {

WorkerPool::WorkerPool(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_) thread.join();
}

std::size_t WorkerPool::waiting() const {
  std::lock_guard lock(mutex_);
  return jobs_.size();
}

void WorkerPool::submit(std::function<void()> job) {
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void WorkerPool::work() {
  pthread_setname_np(pthread_self(), "todoke-work");
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

WorkerPool::Many::Many(WorkerPool& pool, std::size_t count, FunctionRef<void(std::size_t)> work)
    : pool_(pool),
      count_(count),
      work_(work),
      running_(std::min(count, static_cast<std::size_t>(pool.threads()))) {
  const auto begun = running_;  // a piece that ends at once changes it
  if (begun == 0) done_.set();
  for (std::size_t i = 0; i < begun; ++i) submit();
}

WorkerPool::Many::~Many() {
  TODOKE_ASSERT(done_.is_set());
}

Task<> WorkerPool::Many::wait() {
  co_await done_.wait();
  if (failure_) std::rethrow_exception(failure_);
}

void WorkerPool::Many::submit() {
  pool_.submit([this] { run_next(); });
}

void WorkerPool::Many::run_next() {
  std::unique_lock lock(mutex_);
  if (next_ < count_) {
    const auto piece = next_++;
    lock.unlock();
    std::exception_ptr failure;
    try {
      work_(piece);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure && !failure_) failure_ = failure;
    if (failure) next_ = count_;
  }
  if (next_ < count_) {
    lock.unlock();
    return submit();
  }
  const bool last = --running_ == 0;
  lock.unlock();
  // Nothing of `this` is touched after this: the waiter may destroy it at once.
  if (last) done_.set();
}

}  // namespace todoke
