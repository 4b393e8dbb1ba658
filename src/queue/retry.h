#pragma once

#include "provider/reply_class.h"

#include <chrono>
#include <cstdint>

// When a recipient whose attempt failed is tried again.  Pure.
namespace todoke::queue {

struct Retry {
  bool is_final = false;         // no further attempt makes sense
  std::chrono::seconds wait{0};  // until the next
};

// `attempts` counts those that ended before this one; `unknown_refusals` those among them that were
// refused for good in words no rule knows: such a refusal is asked about once more, six hours
// later. What blames the provider or us is never final, whatever its code: the mail waits as long
// as it is useful (deliverability: 5xx while a provider blocks us says nothing of the address).
Retry decide_retry(provider::ReplyClass reply_class, bool permanent, int attempts,
                   int unknown_refusals);

// The wait, up to a tenth longer, so that what failed together does not come back together; the
// same for the same seed.
std::chrono::microseconds spread(std::chrono::seconds wait, std::uint64_t seed);

}  // namespace todoke::queue
