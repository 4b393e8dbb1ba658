#include "base/task.h"

#include "base/assert.h"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>

namespace todoke {

namespace asio = boost::asio;

struct Completion::Waiter {
  virtual ~Waiter() = default;
  virtual void resume() = 0;  // consumes the waiter
};

namespace {

// A value no waiter can have.
struct SetMark final : Completion::Waiter {
  void resume() override {}
};
SetMark set_mark;

template <class Handler>
struct HandlerWaiter final : Completion::Waiter {
  explicit HandlerWaiter(Handler h)
      : handler(std::move(h)), work(asio::get_associated_executor(handler)) {}
  void resume() override {
    auto self = std::unique_ptr<HandlerWaiter>(this);
    auto executor = asio::get_associated_executor(handler);
    asio::post(executor, std::move(handler));
  }
  Handler handler;
  asio::executor_work_guard<asio::associated_executor_t<Handler>> work;
};

}  // namespace

Completion::~Completion() {
  auto* state = state_.load(std::memory_order_acquire);
  // The coroutine was destroyed while it waited (its executor went away).
  if (state != nullptr && state != &set_mark) delete state;
}

bool Completion::is_set() const {
  return state_.load(std::memory_order_acquire) == &set_mark;
}

Task<> Completion::wait() {
  if (is_set()) co_return;
  auto start = [this](auto handler) {
    auto waiter = std::make_unique<HandlerWaiter<decltype(handler)>>(std::move(handler));
    Waiter* expected = nullptr;
    auto* raw = waiter.release();
    if (!state_.compare_exchange_strong(expected, raw, std::memory_order_acq_rel)) {
      TODOKE_ASSERT(expected == &set_mark);
      raw->resume();
    }
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(start, asio::use_awaitable);
}

void Completion::set() {
  // After the exchange `this` may be gone: the waiter owns it and can run at once.
  auto* before = state_.exchange(&set_mark, std::memory_order_acq_rel);
  TODOKE_ASSERT(before != &set_mark);
  if (before != nullptr) before->resume();
}

void block_on_void(Task<> task) {
  asio::io_context context(1);
  std::exception_ptr failure;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr e) { failure = e; });
  context.run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace todoke
