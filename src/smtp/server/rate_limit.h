#pragma once

#include "base/clock.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace todoke::smtp {

// How many recipients an account may send to in an hour: a stolen password must not turn into a
// million spam mails.  A token bucket per account; bounded memory.  Any thread.
class SubmissionRate {
 public:
  SubmissionRate(const Clock& clock, int default_per_hour)
      : clock_(clock), default_per_hour_(default_per_hour) {}

  // Takes one recipient's worth.  False: the account has to wait.
  bool take(std::int64_t account_id, std::optional<int> per_hour);

 private:
  struct Bucket {
    double tokens;
    Steady filled;
  };
  static constexpr std::size_t max_buckets = 100'000;

  const Clock& clock_;
  const int default_per_hour_;
  std::mutex mutex_;
  std::unordered_map<std::int64_t, Bucket> buckets_;
};

}  // namespace todoke::smtp
