#pragma once

#include "base/task.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace todoke::app {

// How far a long command has come, and whether it is still wanted.  The thread that does the work
// reports; the one that waits for it shows.
class Progress {
 public:
  struct State {
    std::uint64_t done = 0;
    std::uint64_t total = 0;  // 0: not known yet
    std::string what;         // "messages", "reading segments"
    bool operator==(const State&) const = default;
  };

  virtual ~Progress() = default;

  // Any thread, as often as one likes.
  void report(std::uint64_t done, std::uint64_t total, std::string_view what);
  State state() const;

  // The one who asked has gone: long work looks here between its steps and ends.
  void cancel() { cancelled_ = true; }
  bool cancelled() const { return cancelled_; }

  // Shows the state to whoever waits; may throw when he is gone.
  [[nodiscard]] virtual Task<> show() = 0;

 private:
  mutable std::mutex mutex_;
  State state_;
  std::atomic<bool> cancelled_{false};
};

// For callers who do not care.
class NoProgress final : public Progress {
 public:
  [[nodiscard]] Task<> show() override { co_return; }
};

// Runs `work` on a thread of its own, where it may block, and shows the progress meanwhile.  If
// show() throws, the work is cancelled, waited for, and the exception passed on; so is one of the
// work's own.
[[nodiscard]] Task<> run_long(Progress& progress,  // NOLINT: owned by the awaiting caller
                              std::function<void()> work);

}  // namespace todoke::app
