#include "probe.h"

// Each line marked BAD must be found by tools/coro_lint, and no other.

Task<bool> lambda_in_the_statement(std::string name) {
  co_return co_await run([name] { return name.empty(); });  // BAD
}

Task<std::string> aggregate_in_the_statement(std::string name) {
  auto text = co_await fetch_with({.name = name, .size = 3});         // BAD
  auto more = co_await fetch_with(Options{.name = name, .size = 3});  // BAD
  co_return text + more;
}

Task<std::string> initializer_list(std::string name) {
  co_return co_await fetch_any({name, "b"});  // BAD
}

Task<std::string> conditional(bool first, std::string name) {
  auto text = first ? co_await fetch(name) : co_await fetch("b");  // BAD
  co_return text;
}

Task<bool> both(std::string name) {
  bool result = co_await exists(name) && co_await exists("b");  // BAD
  bool either = co_await exists(name) || co_await exists("b");  // BAD
  co_return result&& either;
}

bool capturing_coroutine(std::string name) {
  auto start = [name]() -> Task<bool> { co_return co_await exists(name); };  // BAD
  return start().await_ready();
}
