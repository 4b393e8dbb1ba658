#include "base/clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace todoke {

namespace asio = boost::asio;
using std::chrono::microseconds;

Task<> Clock::sleep(microseconds duration) const {
  return sleep_until(steady() + duration);
}

Time SystemClock::now() const {
  return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

Steady SystemClock::steady() const {
  return std::chrono::floor<microseconds>(std::chrono::steady_clock::now());
}

Task<> SystemClock::sleep_until(Steady when) const {
  asio::steady_timer timer(co_await asio::this_coro::executor, when);
  co_await timer.async_wait(asio::use_awaitable);
}

Task<> SystemClock::sleep_until(Steady when, std::shared_ptr<Shot> shot) const {
  asio::steady_timer timer(co_await asio::this_coro::executor, when);
  timer.async_wait([shot](const boost::system::error_code&) { shot->fire(); });
  co_await shot->done.wait();
}

Task<> Alarm::sleep_until(Steady when) {
  auto shot = std::make_shared<Clock::Shot>();
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(rung_, false)) co_return;
    sleep_ = shot;
  }
  co_await clock_.sleep_until(when, shot);
  std::lock_guard lock(mutex_);
  sleep_.reset();
}

void Alarm::ring() {
  std::lock_guard lock(mutex_);
  if (sleep_)
    sleep_->fire();
  else
    rung_ = true;
}

SimulatedClock::SimulatedClock(Time start) : start_(start) {}
SimulatedClock::~SimulatedClock() = default;

Time SimulatedClock::now() const {
  std::lock_guard lock(mutex_);
  return start_ + passed_;
}

Steady SimulatedClock::steady() const {
  std::lock_guard lock(mutex_);
  return Steady(passed_);
}

Task<> SimulatedClock::sleep_until(Steady when) const {
  auto shot = std::make_shared<Shot>();
  co_await sleep_until(when, std::move(shot));
}

Task<> SimulatedClock::sleep_until(Steady when, std::shared_ptr<Shot> shot) const {
  {
    std::lock_guard lock(mutex_);
    if (Steady(passed_) >= when) co_return;
    sleepers_.emplace(when, shot);
  }
  co_await shot->done.wait();
}

void SimulatedClock::advance(microseconds by) {
  std::unique_lock lock(mutex_);
  passed_ += by;
  while (!sleepers_.empty() && sleepers_.begin()->first <= Steady(passed_)) {
    auto due = sleepers_.extract(sleepers_.begin());
    lock.unlock();
    due.mapped()->fire();
    lock.lock();
  }
}

std::size_t SimulatedClock::sleepers() const {
  std::lock_guard lock(mutex_);
  auto is_asleep = [](const auto& sleeper) { return !sleeper.second->fired; };
  return static_cast<std::size_t>(std::ranges::count_if(sleepers_, is_asleep));
}

std::optional<Steady> SimulatedClock::next_due() const {
  std::lock_guard lock(mutex_);
  for (const auto& [when, shot] : sleepers_)
    if (!shot->fired) return when;
  return {};
}

std::string to_rfc3339(Time t) {
  auto day = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day date(day);
  std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(t - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace todoke
