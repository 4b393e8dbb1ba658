#pragma once

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

// The coroutine type of all sessions, and the two ways between coroutines and other threads.
// Asio itself stays in net/ and in task.cc (docs/decisions/0002).
namespace todoke {

// A lazily started coroutine.  Awaited by another, or spawned through net::Gate; never dropped.
template <class T = void>
using Task = boost::asio::awaitable<T>;

// A one-shot event that any thread may set and one coroutine awaits.  The coroutine resumes on its
// own executor, so session state never changes threads.  The waiter owns the object: it may be
// destroyed as soon as wait() has returned.
class Completion {
 public:
  Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion();

  // Suspends until set() has been called; returns at once if it has.
  [[nodiscard]] Task<> wait();
  // Any thread, once.
  void set();
  bool is_set() const;

  struct Waiter;  // the suspended coroutine, known to task.cc only

 private:
  std::atomic<Waiter*> state_{nullptr};  // null: nobody yet; the mark: set; else the waiter
};

// Runs `task` to its end on the calling thread, with an executor of its own.  For the command line
// and tests; never inside a coroutine.  Rethrows what the task throws.
void block_on_void(Task<> task);

template <class T>
T block_on(Task<T> task) {
  if constexpr (std::is_void_v<T>) {
    block_on_void(std::move(task));
  } else {
    std::optional<T> result;
    auto run = [](Task<T> inner, std::optional<T>* out) -> Task<> {
      out->emplace(co_await std::move(inner));
    };
    block_on_void(run(std::move(task), &result));
    return *std::move(result);
  }
}

}  // namespace todoke
