#pragma once

#include <cstddef>
#include <limits>

namespace todoke {

// A limit on bytes, nodes or anything countable, charged *before* the thing is allocated or done
// (mail-server rule R4).  A child's charges count against its parent too, so that many small
// commands cannot together take what one large command may not.  Not for use across threads.
class Budget {
 public:
  explicit Budget(std::size_t limit, Budget* parent = nullptr) : left_(limit), parent_(parent) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Takes `amount`, or nothing and answers false when this budget or a parent has not that much.
  [[nodiscard]] bool charge(std::size_t amount) {
    if (amount > left_) return false;
    if (parent_ != nullptr && !parent_->charge(amount)) return false;
    left_ -= amount;
    return true;
  }
  // Gives back what was charged.
  void refund(std::size_t amount) {
    left_ += amount;
    if (parent_ != nullptr) parent_->refund(amount);
  }
  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
  Budget* parent_;
};

}  // namespace todoke
