#include "trust/mta_sts.h"

#include <cstdint>

// As a policy and as a record.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace todoke::trust;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto policy = parse_mta_sts_policy(text)) {
    if (policy->max_age > mta_sts_max_age) __builtin_trap();
    // A policy names its own servers.
    for (const auto& mx : policy->mx)
      if (!names_mx(*policy, mx.starts_with("*.") ? "a" + mx.substr(1) : mx)) __builtin_trap();
  }
  if (const auto id = mta_sts_id({&text, 1}); id && (id->empty() || id->size() > 32))
    __builtin_trap();
  return 0;
}
