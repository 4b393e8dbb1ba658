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

// The pool's only thread is held until the pieces of two callers are queued.
Task<> take_turns(WorkerPool& pool, std::string& order) {  // NOLINT: of the awaiting test
  auto first = [&](std::size_t) { order += 'a'; };
  auto second = [&](std::size_t) { order += 'b'; };
  std::atomic<bool> go{false};
  auto gate = [&](std::size_t) {
    while (!go) std::this_thread::yield();
  };
  WorkerPool::Many held(pool, 1, gate);
  WorkerPool::Many one(pool, 3, first);
  WorkerPool::Many two(pool, 3, second);
  go = true;
  co_await held.wait();
  co_await one.wait();
  co_await two.wait();
}

TEST_CASE("worker pool: pieces of two callers take turns") {
  WorkerPool pool(1);
  std::string order;
  block_on(take_turns(pool, order));
  CHECK(order == "ababab");
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
