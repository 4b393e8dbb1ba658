#pragma once

#include "sql/db.h"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace todoke::sqlite {

// Jobs on their way to the threads that run them, first come first served.  Any thread pushes; the
// workers wait and take.  A push wakes one worker, and only if one sleeps.
class JobQueue {
 public:
  void push(sql::Job& job);

  // The next job, waiting for one.  Null: the queue is closed and empty.  The worker calls
  // finished() once it is done with the job.
  sql::Job* wait();
  // The next job if one waits now, else null.
  sql::Job* take();
  void finished();

  // Lets no worker begin another job until resume(), and waits for those under way.  False: some
  // were still at it after `patience`.
  bool pause(std::chrono::milliseconds patience);
  void resume();

  // The workers end when all that was pushed is done.
  void close();
  std::size_t size() const;

 private:
  sql::Job* pop();  // mutex held

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  sql::Job* first_ = nullptr;
  sql::Job* last_ = nullptr;
  std::size_t size_ = 0;
  int sleeping_ = 0;
  int busy_ = 0;  // jobs taken by wait() and not finished
  bool paused_ = false;
  bool closed_ = false;
};

}  // namespace todoke::sqlite
