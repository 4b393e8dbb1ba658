#pragma once

#include <coroutine>
#include <functional>
#include <initializer_list>
#include <string>
#include <utility>

// The smallest coroutine type that the probes of tools/coro_lint need.
template <class T>
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void unhandled_exception() {}
    void return_value(T) {}
  };
  bool await_ready() { return true; }
  void await_suspend(std::coroutine_handle<>) {}
  T await_resume() { return {}; }
};

struct Options {
  std::string name;
  int size = 0;
};

Task<std::string> fetch(std::string name);
Task<std::string> fetch_with(Options options);
Task<std::string> fetch_any(std::initializer_list<std::string> names);
Task<bool> run(std::function<bool()> work);
Task<bool> exists(std::string name);
