#include "queue/retry.h"

#include <algorithm>
#include <array>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;
using provider::ReplyClass;
using std::chrono::seconds;

seconds doubling(seconds first, seconds longest, int attempts) {
  auto wait = first;
  for (int i = 0; i < attempts && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

// Another server's trouble is soon over or lasts for long.
seconds stepping(int attempts) {
  constexpr std::array<seconds, 5> steps{1min, 5min, 15min, 30min, 1h};
  return steps[static_cast<std::size_t>(std::clamp(attempts, 0, 4))];
}

}  // namespace

Retry decide_retry(ReplyClass reply_class, bool permanent, int attempts, int unknown_refusals) {
  switch (reply_class) {
    case ReplyClass::gone:
    case ReplyClass::inactive:
    case ReplyClass::filtered:
    case ReplyClass::content:
      return permanent ? Retry{.is_final = true} : Retry{.wait = stepping(attempts)};
    case ReplyClass::full:
      return {.wait = doubling(1h, 12h, attempts)};
    case ReplyClass::throttled:
      return {.wait = doubling(2min, 20min, attempts)};
    case ReplyClass::blocked:
    case ReplyClass::auth:
      return {.wait = doubling(15min, 1h, attempts)};
    case ReplyClass::unknown:
      if (!permanent) return {.wait = stepping(attempts)};
      return unknown_refusals > 0 ? Retry{.is_final = true} : Retry{.wait = 6h};
    case ReplyClass::unreachable:
    case ReplyClass::expired:
    case ReplyClass::complaint:
    case ReplyClass::automatic:
      return {.wait = stepping(attempts)};
  }
  return {.wait = stepping(attempts)};
}

std::chrono::microseconds spread(seconds wait, std::uint64_t seed) {
  auto mixed = (seed ^ (seed >> 31)) * 0x9E3779B97F4A7C15ull;
  auto longest = std::chrono::microseconds(wait) / 10;
  auto part = std::chrono::microseconds(static_cast<std::int64_t>(
      static_cast<double>(longest.count()) * static_cast<double>(mixed >> 40) / 16777216.0));
  return std::chrono::microseconds(wait) + part;
}

}  // namespace todoke::queue
