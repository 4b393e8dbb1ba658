#include "app/admin/progress.h"

#include "base/clock.h"

#include <algorithm>
#include <thread>

namespace todoke::app {

void Progress::report(std::uint64_t done, std::uint64_t total, std::string_view what) {
  std::lock_guard lock(mutex_);
  state_.done = done;
  state_.total = total;
  state_.what = what;
}

Progress::State Progress::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

Task<> run_long(Progress& progress, std::function<void()> work) {
  using namespace std::chrono_literals;
  SystemClock clock;  // paces a display, nothing about mail
  Completion done;
  std::exception_ptr failure;
  std::thread thread([&] {
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    done.set();
  });
  std::exception_ptr unwatched;
  Progress::State shown;
  // Short work is not held up by our pauses, and long work is shown twice a second.
  for (auto pause = 1000us; !done.is_set() && !unwatched; pause = std::min(pause * 2, 500'000us)) {
    try {
      co_await clock.sleep(pause);
      auto state = progress.state();
      if (state == shown) continue;
      shown = state;
      co_await progress.show();
    } catch (...) {
      unwatched = std::current_exception();
    }
  }
  if (unwatched) progress.cancel();
  co_await done.wait();
  thread.join();
  if (failure) std::rethrow_exception(failure);
  if (unwatched) std::rethrow_exception(unwatched);
}

}  // namespace todoke::app
