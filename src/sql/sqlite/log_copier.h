#pragma once

#include "sql/sqlite/connection.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace todoke::sqlite {

// Copies the write-ahead log into the database file on a thread of its own, so that commits go on
// while megabytes are written and synced.  Making the log start anew is left to the writer, for
// whom only the last few frames remain.  Used by the writing thread.
class LogCopier {
 public:
  // Throws sql::Unavailable.
  explicit LogCopier(const std::string& path);
  ~LogCopier();

  enum class State { idle, copying, copied };
  State state() const;
  // From idle: begins.
  void start();
  // Returns when the state is not copying; that is never for a reader's sake.
  void wait();
  // From copied: back to idle.
  void acknowledge();

 private:
  void loop();
  void copy();

  Connection connection_;
  bool failing_ = false;  // the last copy failed, and the log says so
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable copied_;
  State state_ = State::idle;
  bool closed_ = false;
  std::thread thread_;
};

}  // namespace todoke::sqlite
