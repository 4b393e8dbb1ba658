#include "base/ids.h"

#include <algorithm>

namespace todoke {
namespace {

constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t text_length = 13;

char usual_digit(char typed) {
  if (typed >= 'A' && typed <= 'Z') typed = static_cast<char>(typed - 'A' + 'a');
  if (typed == 'o') return '0';
  return typed == 'i' || typed == 'l' ? '1' : typed;
}

}  // namespace

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
  std::string out(text_length, '0');
  auto rest = static_cast<std::uint64_t>(id);
  for (auto at = out.rbegin(); at != out.rend(); ++at, rest >>= 5) *at = digits[rest & 31];
  return out;
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  if (text.size() != text_length) return {};
  std::uint64_t id = 0;
  for (char c : text) {
    auto value = digits.find(usual_digit(c));
    // Thirteen digits hold 65 bits, and an id has 63.
    if (value == digits.npos || id >> 58 != 0) return {};
    id = id << 5 | value;
  }
  return static_cast<std::int64_t>(id);
}

}  // namespace todoke
