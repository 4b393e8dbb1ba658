#include "base/worker_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace todoke;

namespace {

TEST_CASE("worker pool: every piece runs once, on all threads") {
  WorkerPool pool(3);
  CHECK(pool.threads() == 3);
  std::vector<int> times(1000);
  std::atomic<int> at_once{0};
  // Ends only when each of the threads is in a piece.
  auto meet = [&](std::size_t) {
    ++at_once;
    while (at_once < 3) std::this_thread::yield();
  };
  block_on(pool.run_many(3, meet));
  CHECK(at_once == 3);

  auto count = [&](std::size_t piece) { ++times[piece]; };
  block_on(pool.run_many(times.size(), count));
  CHECK(times == std::vector<int>(1000, 1));
  block_on(pool.run_many(0, count));
  block_on(pool.run_many(1, count));
  CHECK(times[0] == 2);
}

TEST_CASE("worker pool: pieces of two callers take turns") {
  WorkerPool pool(1);
  std::vector<char> order;
  auto task = [](WorkerPool* workers, std::vector<char>* seen) -> Task<> {
    auto first = [&](std::size_t) { seen->push_back('a'); };
    auto second = [&](std::size_t) { seen->push_back('b'); };
    std::atomic<bool> go{false};
    auto gate = [&](std::size_t) {
      while (!go) std::this_thread::yield();
    };
    // The only thread is held until both are queued.
    WorkerPool::Many held(*workers, 1, gate);
    WorkerPool::Many one(*workers, 3, first);
    WorkerPool::Many two(*workers, 3, second);
    go = true;
    co_await held.wait();
    co_await one.wait();
    co_await two.wait();
  };
  block_on(task(&pool, &order));
  CHECK(std::string(order.begin(), order.end()) == "ababab");
}

TEST_CASE("worker pool: a piece that throws is the last one begun") {
  WorkerPool pool(1);
  int pieces = 0;
  auto work = [&](std::size_t piece) {
    ++pieces;
    if (piece == 2) throw std::runtime_error("broken");
  };
  CHECK_THROWS_WITH(block_on(pool.run_many(100, work)), "broken");
  CHECK(pieces == 3);
}

}  // namespace
