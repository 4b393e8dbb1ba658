#include "base/ids.h"

#include <algorithm>

namespace todoke {

std::int64_t IdGenerator::next() {
  constexpr std::int64_t epoch_ms = 1'735'689'600'000;  // 2025-01-01
  auto now = (to_micros(clock_.now()) / 1000 - epoch_ms) << 20;
  std::lock_guard lock(mutex_);
  last_ = std::max(last_ + 1, now);
  return last_;
}

void IdGenerator::skip_past(std::int64_t id) {
  std::lock_guard lock(mutex_);
  last_ = std::max(last_, id);
}

std::string id_text(std::int64_t id) {
  constexpr char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string out(13, '0');
  auto rest = static_cast<std::uint64_t>(id);
  for (auto at = out.rbegin(); at != out.rend(); ++at, rest >>= 5) *at = digits[rest & 31];
  return out;
}

}  // namespace todoke
