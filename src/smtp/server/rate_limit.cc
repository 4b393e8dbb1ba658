#include "smtp/server/rate_limit.h"

#include <algorithm>
#include <chrono>

namespace todoke::smtp {

bool SubmissionRate::take(std::int64_t account_id, std::optional<int> per_hour) {
  double limit = per_hour.value_or(default_per_hour_);
  auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  // A full bucket says nothing, so forgetting it loses nothing.
  if (buckets_.size() >= max_buckets)
    std::erase_if(buckets_,
                  [&](const auto& one) { return now - one.second.filled > std::chrono::hours(1); });
  auto [at, fresh] = buckets_.try_emplace(account_id, Bucket{limit, now});
  auto& bucket = at->second;
  double hours = std::chrono::duration<double, std::ratio<3600>>(now - bucket.filled).count();
  bucket.tokens = std::min(limit, bucket.tokens + hours * limit);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace todoke::smtp
