#include "sql/sqlite/job_queue.h"

namespace todoke::sqlite {

void JobQueue::push(sql::Job& job) {
  bool wake;
  {
    std::lock_guard lock(mutex_);
    job.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &job;
    last_ = &job;
    ++size_;
    wake = sleeping_ > 0 && !paused_;
  }
  if (wake) work_.notify_one();
}

sql::Job* JobQueue::pop() {
  sql::Job* job = first_;
  if (job == nullptr) return nullptr;
  first_ = job->next;
  if (first_ == nullptr) last_ = nullptr;
  --size_;
  return job;
}

sql::Job* JobQueue::wait() {
  std::unique_lock lock(mutex_);
  while ((first_ == nullptr && !closed_) || paused_) {
    ++sleeping_;
    work_.wait(lock);
    --sleeping_;
  }
  sql::Job* job = pop();
  if (job != nullptr) ++busy_;
  return job;
}

sql::Job* JobQueue::take() {
  std::lock_guard lock(mutex_);
  return paused_ ? nullptr : pop();
}

void JobQueue::finished() {
  std::lock_guard lock(mutex_);
  if (--busy_ == 0 && paused_) idle_.notify_one();
}

bool JobQueue::pause(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  paused_ = true;
  return idle_.wait_for(lock, patience, [this] { return busy_ == 0; });
}

void JobQueue::resume() {
  {
    std::lock_guard lock(mutex_);
    paused_ = false;
  }
  work_.notify_all();
}

void JobQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  work_.notify_all();
}

std::size_t JobQueue::size() const {
  std::lock_guard lock(mutex_);
  return size_;
}

}  // namespace todoke::sqlite
