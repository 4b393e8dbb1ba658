#include "net/gate.h"

namespace todoke::net {

Gate::Pass Gate::enter() {
  auto before = state_.load();
  do {
    if ((before & closed_bit) != 0) return {};
  } while (!state_.compare_exchange_weak(before, before + 1));
  return Pass(this);
}

void Gate::leave() {
  if (state_.fetch_sub(1) == (closed_bit | 1)) empty_.set();
}

Task<> Gate::close() {
  if (state_.fetch_or(closed_bit) == 0) empty_.set();
  co_await empty_.wait();
}

}  // namespace todoke::net
