#pragma once

#include <cmath>
#include <cstdint>

namespace todoke::provsim {

// Chance that is the same on every machine and with every library: SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ull;
    auto mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
    return mixed ^ (mixed >> 31);
  }
  // From 0 up to, not including, 1.
  double part() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  bool happens(double chance) { return chance >= 1 || part() < chance; }

 private:
  std::uint64_t state_;
};

}  // namespace todoke::provsim
