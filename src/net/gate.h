#pragma once

#include "base/task.h"

#include <atomic>
#include <cstdint>

namespace todoke::net {

// Counts what runs, refuses new work once closed, and tells when the last has left.  Any thread.
class Gate {
 public:
  // One piece of work inside; leaves when destroyed.
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    friend Gate;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Gate* gate_ = nullptr;
  };

  // An empty pass when the gate is closed.
  [[nodiscard]] Pass enter();
  std::uint64_t inside() const { return state_.load() & ~closed_bit; }
  bool closed() const { return (state_.load() & closed_bit) != 0; }
  // Refuses all further entries, then waits until nobody is inside.  Once.
  [[nodiscard]] Task<> close();

 private:
  static constexpr std::uint64_t closed_bit = 1ull << 63;
  void leave();

  std::atomic<std::uint64_t> state_{0};
  Completion empty_;
};

}  // namespace todoke::net
