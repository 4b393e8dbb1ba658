#include "probe.h"

// Every statement here keeps the rule, so tools/coro_lint must say nothing.

Task<std::string> plain_calls(std::string host) {
  auto greeting = co_await fetch("220 " + host);
  co_await fetch(std::move(greeting));
  co_return co_await fetch(host);
}

Task<std::string> named_aggregate(std::string name) {
  Options options{.name = name, .size = 3};
  auto text = co_await fetch_with(std::move(options));
  co_return text;
}

Task<bool> named_lambda(std::string name) {
  auto work = [&] { return name.empty(); };
  bool result = co_await run(work);
  co_return result;
}

Task<bool> branches(std::string name) {
  bool first = co_await exists(name);
  if (!first) co_return false;
  bool second = co_await exists(name + ".lock");
  co_return first&& second;
}
