#include "queue/pacer.h"

#include <algorithm>
#include <cmath>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

constexpr double first_window = 2;
constexpr double slowest = 0.1;  // messages a second
constexpr auto first_pause = 30s;
constexpr auto longest_pause = std::chrono::seconds(15min);
constexpr double growth = 1.05;  // of the rate, by each accepted message

}  // namespace

Pacer::Pacer(const provider::Limits& limits, Steady now)
    : limits_(limits),
      window_(std::min<double>(first_window, limits.connections)),
      rate_(limits.messages_per_second),
      tokens_(std::max(1.0, rate_)),
      refilled_(now) {}

int Pacer::window(Steady now) const {
  if (now < paused_until_) return 0;
  return is_probing() ? 1 : std::max(1, static_cast<int>(window_));
}

// At most what a second allows is saved up.
void Pacer::refill(Steady now) {
  auto seconds = std::chrono::duration<double>(now - refilled_).count();
  refilled_ = now;
  tokens_ = std::min(tokens_ + seconds * rate_, std::max(1.0, rate_));
}

Steady Pacer::opens_at(Steady now) const {
  auto copy = *this;
  auto wait = copy.take(1, std::max(now, paused_until_));
  return wait ? *wait : std::max(now, paused_until_);
}

std::optional<Steady> Pacer::take(int messages, Steady now) {
  if (now < paused_until_) return paused_until_;
  refill(now);
  // A large group may overdraw, or it would never be let through.
  if (tokens_ >= std::min<double>(messages, std::max(1.0, rate_))) {
    tokens_ -= messages;
    return {};
  }
  auto missing = std::min<double>(messages, std::max(1.0, rate_)) - tokens_;
  auto wait =
      std::chrono::microseconds(static_cast<std::int64_t>(std::ceil(missing / rate_ * 1e6)));
  return now + std::max(wait, std::chrono::microseconds(1ms));
}

void Pacer::accepted(Steady now) {
  if (is_probing()) {
    refill(now);
    paused_until_ = Steady::min();
  }
  refusals_ = 0;
  window_ = std::min<double>(window_ + 1 / window_, limits_.connections);
  rate_ = std::min(rate_ * growth, limits_.messages_per_second);
}

void Pacer::refused(Steady begun, Steady now, bool outright) {
  if (begun < heard_) return;
  heard_ = now;
  refill(now);
  ++refusals_;
  if (outright) refusals_ = std::max(refusals_, run_that_stops);
  window_ = std::max(1.0, window_ / 2);
  rate_ = std::max(std::min(slowest, limits_.messages_per_second), rate_ / 2);
  tokens_ = std::min(tokens_, 1.0);
  if (!is_probing()) return;
  auto doublings = std::min(refusals_ - run_that_stops, 10);
  paused_until_ =
      now + std::min<std::chrono::seconds>(first_pause * (1 << doublings), longest_pause);
}

}  // namespace todoke::queue
