#include "directory/cache.h"

#include "base/lru_map.h"
#include "support/directory_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>

using namespace todoke;
using namespace todoke::directory;

TEST_CASE("cache: an answer from before a change is never found after it") {
  Generation generation;
  GenerationCache<std::string, int> cache(generation, 1000);
  cache.keep("a", 1, generation.current());
  CHECK(cache.find(std::string_view("a")) == 1);
  const auto before = generation.current();
  generation.advance();
  CHECK(!cache.find(std::string_view("a")));
  cache.keep("a", 2, before);
  CHECK(!cache.find(std::string_view("a")));
  cache.keep("a", 3, generation.current());
  CHECK(cache.find(std::string_view("a")) == 3);
}

TEST_CASE("cache: it is bounded, and keeps what is in use") {
  Generation generation;
  GenerationCache<std::int64_t, int> cache(generation, 12'800);
  cache.keep(1ll << 20, 7, 1);
  for (std::int64_t i = 2; i < 100'000; ++i) {
    cache.keep(i << 20, 0, 1);
    if (i % 1000 == 0) CHECK(cache.find(1ll << 20) == 7);
  }
  CHECK(cache.size() <= 12'800);
  CHECK(cache.size() > 5'000);
  CHECK(!cache.find(2ll << 20));
}

// A database of one number, asked and changed by several threads: whoever looks after a change has
// returned must not be told what was before.
TEST_CASE("cache: readers and changes at once") {
  Generation generation;
  GenerationCache<std::string, std::uint64_t> cache(generation, 6400);
  std::atomic<std::uint64_t> stored{0};
  std::atomic<std::uint64_t> announced{0};
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> stale{0};
  std::atomic<std::uint64_t> hits{0};
  const auto read = [&] {
    const std::string keys[] = {"a@x.example", "b@x.example", "c@x.example", "d@x.example"};
    for (std::size_t i = 0; !over; ++i) {
      const auto& key = keys[i % 4];
      const auto at_least = announced.load();
      if (auto found = cache.find(std::string_view(key))) {
        ++hits;
        if (*found < at_least) ++stale;
        continue;
      }
      const auto read_in = generation.current();
      const auto value = stored.load();
      if (i % 16 == 0) std::this_thread::yield();
      cache.keep(key, value, read_in);
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (std::uint64_t version = 1; version <= 2000; ++version) {
    stored = version;
    generation.advance();
    announced = version;
    if (version % 8 == 0) std::this_thread::yield();
  }
  while (hits < 100) std::this_thread::yield();
  over = true;
  for (auto& reader : readers) reader.join();
  CHECK(stale == 0);
}

TEST_CASE_FIXTURE(test::DirectoryFixture, "cache: routes stay right while accounts change") {
  const auto id = need(block_on(directory.find_account("ann@kita.example"))).id;
  // Even: active.  Odd: suspended.  While it changes: anything.
  std::atomic<int> step{0};
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  const auto look = [&] {
    while (!over) {
      const int before = step;
      auto route = directory.cached_route("ann", "kita.example");
      if (!route) route = block_on(directory.route("ann", "kita.example"));
      if (before != step || before % 2 != 0) continue;
      const bool active = before % 4 == 0;
      if (active != (route->kind == Route::Kind::local)) ++wrong;
      if (active && route->accounts != std::vector{id}) ++wrong;
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) readers.emplace_back(look);
  for (int i = 0; i < 40; ++i) {
    ++step;
    set_state("ann@kita.example", i % 2 == 0 ? State::suspended : State::active);
    ++step;
    std::this_thread::yield();
  }
  over = true;
  for (auto& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("lru map: drops what was not used for longest") {
  LruMap<int> map(3);
  map["a"] = 1;
  map["b"] = 2;
  map["c"] = 3;
  REQUIRE(map.find("a") != nullptr);
  map["d"] = 4;
  CHECK(map.find("b") == nullptr);
  CHECK(*map.find("a") == 1);
  CHECK(map.size() == 3);
  map.erase("a");
  map.erase("nobody");
  CHECK(map.find("a") == nullptr);
  CHECK(map.size() == 2);
}
