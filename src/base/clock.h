#pragma once

#include "base/task.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
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
};

// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Time now() const override;
  Steady steady() const override;
  [[nodiscard]] Task<> sleep_until(Steady when) const override;
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
  // How many coroutines sleep now.
  std::size_t sleepers() const;

 private:
  mutable std::mutex mutex_;
  Time start_;
  std::chrono::microseconds passed_{0};
  mutable std::multimap<Steady, Completion*> sleepers_;
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
