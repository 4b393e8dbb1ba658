#pragma once

#include "base/task.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace todoke {

// A point in civil time, UTC, in microseconds since 1970: what is stored and shown.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
// A point in time that only goes forward: deadlines and latencies.
using Steady = std::chrono::time_point<std::chrono::steady_clock, std::chrono::microseconds>;

// Where all code gets its time and its timers from (architecture rule 8).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Steady steady() const = 0;
  // Suspends the calling coroutine until steady() is at least `when`.
  [[nodiscard]] virtual Task<> sleep_until(Steady when) const = 0;
  [[nodiscard]] Task<> sleep(std::chrono::microseconds duration) const;

 protected:
  friend class Alarm;
  // Ends a sleep: the first fire() of clock or bell does, the second does nothing.
  struct Shot {
    std::atomic<bool> fired = false;
    Completion done;
    void fire() {
      if (!fired.exchange(true)) done.set();
    }
  };
  // Suspends until the shot was fired, which the clock does at `when`.  Shared: a timer may outlive
  // the sleep.
  [[nodiscard]] virtual Task<> sleep_until(Steady when, std::shared_ptr<Shot> shot) const = 0;
};

// A sleep that others can end early.  One coroutine sleeps at a time; any thread may ring.
class Alarm {
 public:
  explicit Alarm(const Clock& clock) : clock_(clock) {}
  // Suspends until steady() is at least `when`, or until ring() was called since the last sleep.
  [[nodiscard]] Task<> sleep_until(Steady when);
  void ring();

 private:
  const Clock& clock_;
  std::mutex mutex_;
  bool rung_ = false;
  std::shared_ptr<Clock::Shot> sleep_;  // shared with the clock
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Steady steady() const override;
  [[nodiscard]] Task<> sleep_until(Steady when) const override;

 protected:
  [[nodiscard]] Task<> sleep_until(Steady when, std::shared_ptr<Shot> shot) const override;
};

// A clock that stands still until a test moves it.  Any thread.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(Time start);
  ~SimulatedClock() override;
  Time now() const override;
  Steady steady() const override;
  [[nodiscard]] Task<> sleep_until(Steady when) const override;

  // Moves both clocks forward and wakes every sleeper that is due, earliest first.
  void advance(std::chrono::microseconds by);
  // How many coroutines sleep now, and when the next of them is due.
  std::size_t sleepers() const;
  std::optional<Steady> next_due() const;

 protected:
  [[nodiscard]] Task<> sleep_until(Steady when, std::shared_ptr<Shot> shot) const override;

 private:
  mutable std::mutex mutex_;
  Time start_;
  std::chrono::microseconds passed_{0};
  mutable std::multimap<Steady, std::shared_ptr<Shot>> sleepers_;  // rung ones stay until due
};

// Stored form of a Time: microseconds since 1970.
inline std::int64_t to_micros(Time t) {
  return t.time_since_epoch().count();
}
inline Time from_micros(std::int64_t micros) {
  return Time(std::chrono::microseconds(micros));
}

// RFC 3339 in UTC with milliseconds, "2026-11-22T02:51:00.123Z".
std::string to_rfc3339(Time t);

}  // namespace todoke
