#include "sql/sqlite/log_copier.h"

#include "base/log.h"

#include <pthread.h>
#include <utility>

namespace todoke::sqlite {
namespace {

constexpr std::size_t cache_kib = 64;  // it reads pages from the log, past the cache

}  // namespace

LogCopier::LogCopier(const std::string& path)
    : connection_(path, Mode::read_write, cache_kib), thread_([this] { loop(); }) {
  pthread_setname_np(thread_.native_handle(), "sql-log");
}

LogCopier::~LogCopier() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

LogCopier::State LogCopier::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

void LogCopier::start() {
  {
    std::lock_guard lock(mutex_);
    state_ = State::copying;
  }
  wake_.notify_one();
}

void LogCopier::wait() {
  std::unique_lock lock(mutex_);
  copied_.wait(lock, [this] { return state_ != State::copying; });
}

void LogCopier::acknowledge() {
  std::lock_guard lock(mutex_);
  state_ = State::idle;
}

void LogCopier::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return closed_ || state_ == State::copying; });
    if (closed_) return;
    lock.unlock();
    copy();
    lock.lock();
    state_ = State::copied;
    copied_.notify_one();
  }
}

void LogCopier::copy() {
  try {
    // The second time takes what was written during the first, which is little.
    connection_.checkpoint(Connection::Checkpoint::passive);
    connection_.checkpoint(Connection::Checkpoint::passive);
    failing_ = false;
  } catch (const std::exception& e) {
    if (!std::exchange(failing_, true)) log::error("sql.checkpoint", {{"error", e.what()}});
  }
}

}  // namespace todoke::sqlite
