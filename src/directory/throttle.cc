#include "directory/throttle.h"

#include <algorithm>
#include <cmath>

namespace todoke::directory {
namespace {

using namespace std::chrono_literals;
constexpr auto good_for = 24h * 30;
constexpr auto wrong_for = 24h;  // then a guess is looked at anew

std::string pair_key(const Throttle::Attempt& attempt) {
  return attempt.who + '\n' + attempt.network;
}

}  // namespace

void Throttle::Bucket::drain(const Rate& rate, Steady now) {
  const std::chrono::duration<double> passed = now - at;
  used = std::max(0.0, used - passed / std::chrono::duration<double>(rate.per_token));
  at = now;
}

std::chrono::seconds Throttle::Bucket::wait(const Rate& rate, Steady now) {
  drain(rate, now);
  // A millionth of a token less is a whole one: sums of fractions are never exact.
  const double missing = used + 1 - rate.capacity - 1e-6;
  if (missing <= 0) return 0s;
  return std::chrono::ceil<std::chrono::seconds>(missing * rate.per_token);
}

void Throttle::Bucket::take(const Rate& rate, Steady now) {
  drain(rate, now);
  used = std::min(used + 1, rate.capacity);
}

Throttle::Memory& Throttle::memory(const Attempt& attempt) {
  return attempt.kind == Attempt::Who::account ? accounts_ : nobodies_;
}

bool Throttle::is_good(const Attempt& attempt, Steady now) {
  if (attempt.kind != Attempt::Who::account) return false;
  auto* last = good_.find(pair_key(attempt));
  return last != nullptr && now - *last < good_for;
}

std::chrono::seconds Throttle::wait(const Attempt& attempt) {
  const auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  auto& known = memory(attempt);
  auto longest = 0s;
  if (auto* pair = known.pairs.find(pair_key(attempt)))
    longest = std::max(longest, pair->bucket.wait(pair_rate, now));
  if (is_good(attempt, now)) return longest;
  if (auto* subject = known.subjects.find(attempt.who))
    longest = std::max(longest, subject->wait(account_rate, now));
  if (auto* network = networks_.find(attempt.network))
    longest = std::max(longest, network->wait(network_rate, now));
  return longest;
}

void Throttle::failed(const Attempt& attempt, std::string_view guess) {
  const auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  auto& known = memory(attempt);
  auto& pair = known.pairs[pair_key(attempt)];
  pair.bucket.take(pair_rate, now);
  if (!guess.empty()) {
    pair.wrong[pair.next] = {std::string(guess), now};
    pair.next = (pair.next + 1) % pair.wrong.size();
  }
  if (is_good(attempt, now)) return;
  known.subjects[attempt.who].take(account_rate, now);
  networks_[attempt.network].take(network_rate, now);
}

bool Throttle::failed_before(const Attempt& attempt, std::string_view guess) {
  if (guess.empty()) return false;
  const auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  auto* pair = memory(attempt).pairs.find(pair_key(attempt));
  if (pair == nullptr) return false;
  // Digests under a key that nobody outside knows, so the time of comparing tells nothing.
  return std::ranges::any_of(pair->wrong, [&](const Guess& wrong) {
    return wrong.digest == guess && now - wrong.at < wrong_for;
  });
}

void Throttle::succeeded(const Attempt& attempt) {
  if (attempt.kind != Attempt::Who::account) return;
  const auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  good_[pair_key(attempt)] = now;
}

}  // namespace todoke::directory
