#include "base/clock.h"
#include "blob/segment.h"
#include "blob/test_support.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

using namespace todoke;
using namespace todoke::blob;
using namespace todoke::blob::test;

namespace {

// Stands for the database: who refers to what, changed and asked at once.
class Owner {
 public:
  void add(std::uint64_t id, const Location& at) {
    std::lock_guard lock(mutex_);
    blobs_[id] = at;
  }
  // Answers the place that must be released.
  Location drop(std::uint64_t id) {
    std::lock_guard lock(mutex_);
    auto at = blobs_.at(id);
    blobs_.erase(id);
    return at;
  }
  std::optional<Location> find(std::uint64_t id) const {
    std::lock_guard lock(mutex_);
    auto found = blobs_.find(id);
    return found == blobs_.end() ? std::nullopt : std::optional(found->second);
  }
  std::vector<Location> live(std::uint64_t segment) const {
    std::lock_guard lock(mutex_);
    std::vector<Location> found;
    for (const auto& [id, at] : blobs_)
      if (at.segment == segment) found.push_back(at);
    return found;
  }
  void moved(const std::vector<std::pair<Location, Location>>& pairs) {
    std::lock_guard lock(mutex_);
    for (const auto& [from, to] : pairs)
      for (auto& [id, at] : blobs_)
        if (at == from) at = to;
  }
  std::uint64_t compact(Store& store) {
    return store.compact([&](std::uint64_t s) { return live(s); },
                         [&](const auto& pairs) { moved(pairs); });
  }
  std::size_t size() const {
    std::lock_guard lock(mutex_);
    return blobs_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Location> blobs_;
};

struct Fixture {
  InMemory layer;
  SimulatedClock clock{Time{}};
  std::vector<std::chrono::microseconds> pauses;
  Owner owner;
  std::unique_ptr<Store> store = open();

  std::unique_ptr<Store> open() {
    SegmentOptions options;
    options.segment_bytes = 50'000;
    options.compression = Compression::off;
    options.clock = &clock;
    options.pause = [this](std::chrono::microseconds t) { pauses.push_back(t); };
    return open_store(layer.files, layer.folder, options);
  }
  void add(std::uint64_t id, std::size_t size = 4'000) {
    owner.add(id, must_put(*store, noise(size, id)));
  }
  void drop(std::uint64_t id) { store->release(owner.drop(id)); }
  void check_all() {
    for (std::uint64_t id = 0; id < 1'000; ++id)
      if (auto at = owner.find(id)) CHECK(must_read(*store, *at) == noise(at->size, id));
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "compaction: rewrites what is mostly dead, and the old file goes later") {
  store->set_live({});
  for (std::uint64_t id = 0; id < 36; ++id) add(id);
  store->sync();
  CHECK(owner.compact(*store) == 0);
  CHECK(store->usage().dead_bytes == 0);
  const auto first = owner.find(0)->segment;
  const auto old = *owner.find(3);
  for (std::uint64_t id = 0; id < 12; ++id)
    if (id % 4 != 3) drop(id);
  CHECK(store->usage().dead_bytes == 9 * 4'044);
  CHECK(owner.compact(*store) == 12 * 4'044 + 32 - 3 * 4'044);
  CHECK(owner.live(first).empty());
  CHECK(pauses.size() == 3);
  CHECK(pauses[0].count() == 4'044ull * 1'000'000 / (16 << 20));
  check_all();
  // A reader that still has the old place is served for a minute.
  CHECK(must_read(*store, old) == noise(4'000, 3));
  clock.advance(std::chrono::seconds(59));
  CHECK(owner.compact(*store) == 0);
  CHECK(must_read(*store, old) == noise(4'000, 3));
  clock.advance(std::chrono::seconds(2));
  CHECK(owner.compact(*store) == 0);
  CHECK(!store->read(old, 0, 1).has_value());
  CHECK(layer.files.list(layer.folder)->size() == 3);
  CHECK(store->usage().dead_bytes == 0);
  check_all();
  CHECK(problems(*store).empty());
}

TEST_CASE_FIXTURE(Fixture, "compaction: does nothing before it is told what lives") {
  for (std::uint64_t id = 0; id < 36; ++id) add(id);
  store->sync();
  store = open();
  CHECK(owner.compact(*store) == 0);
  std::map<std::uint64_t, std::uint64_t> live;
  for (std::uint64_t id = 0; id < 4; ++id) live[owner.find(id)->segment] += 4'044;
  for (std::uint64_t id = 4; id < 36; ++id) owner.drop(id);
  store->set_live({live.begin(), live.end()});
  // Two are closed; the copies do not fit in the third, which closes and goes too.
  for (int i = 0; i < 3; ++i) CHECK(owner.compact(*store) > 0);
  CHECK(owner.compact(*store) == 0);
  check_all();
}

TEST_CASE_FIXTURE(Fixture, "compaction: what is written before the owner has counted counts once") {
  for (std::uint64_t id = 0; id < 20; ++id) add(id);
  add(20, 700'000);
  store->sync();
  store = open();
  const auto found = store->found();
  for (std::uint64_t id = 21; id < 36; ++id) add(id);  // in the log that was open, and the next
  add(36, 700'000);
  store->release(must_put(*store, noise(4'000, 99)));
  std::map<std::uint64_t, std::uint64_t> live;
  for (std::uint64_t id = 0; id < 37; ++id) {
    const auto at = *owner.find(id);
    CHECK(found.contains(at.segment, at.offset) == (id <= 20));
    if (found.contains(at.segment, at.offset)) live[at.segment] += at.stored;
  }
  drop(0);  // the owner cannot tell whether it counted this one, so it stays counted
  store->set_live({live.begin(), live.end()});
  CHECK(store->usage().dead_bytes == 4'044);
  for (std::uint64_t id = 12; id < 24; ++id) drop(id);
  CHECK(owner.compact(*store) > 700'000);
  CHECK(owner.compact(*store) > 0);
  check_all();
}

TEST_CASE_FIXTURE(Fixture, "compaction: a blob whose reference is not committed yet is not lost") {
  store->set_live({});
  for (std::uint64_t id = 0; id < 11; ++id) add(id);
  const auto in_flight = must_put(*store, noise(4'000, 11));
  for (std::uint64_t id = 12; id < 36; ++id) add(id);
  for (std::uint64_t id = 0; id < 11; ++id) drop(id);
  CHECK(owner.compact(*store) == 0);
  CHECK(must_read(*store, in_flight) == noise(4'000, 11));
  owner.add(11, in_flight);
  CHECK(owner.compact(*store) > 0);
  check_all();
}

TEST_CASE_FIXTURE(Fixture, "compaction: a large blob's file goes when it is released") {
  store->set_live({});
  add(1, 700'000);
  add(2);
  CHECK(owner.compact(*store) == 0);
  drop(1);
  CHECK(owner.compact(*store) > 700'000);
  clock.advance(std::chrono::seconds(61));
  owner.compact(*store);
  CHECK(store->usage().segments == 1);
  CHECK(store->usage().bytes < 10'000);
}

TEST_CASE_FIXTURE(Fixture, "compaction: what is released while it moves ends with its copy") {
  store->set_live({});
  for (std::uint64_t id = 0; id < 36; ++id) add(id);
  for (std::uint64_t id = 0; id < 12; ++id)
    if (id % 3 != 0) drop(id);
  // 0 goes before its copy is known, 3 after, 6 and 9 stay.
  std::size_t told = 0;
  auto live = [&](std::uint64_t segment) {
    auto found = owner.live(segment);
    drop(0);
    return found;
  };
  auto moved = [&](const std::vector<std::pair<Location, Location>>& pairs) {
    told = pairs.size();
    drop(3);
    owner.moved(pairs);
  };
  CHECK(store->compact(live, moved) > 0);
  CHECK(told == 3);
  // Both copies are dead: nothing that lives is left to be counted but 26 records.
  clock.advance(std::chrono::seconds(61));
  owner.compact(*store);
  CHECK(owner.size() == 26);
  CHECK(store->usage().dead_bytes == 2 * 4'044);
  check_all();
}

TEST_CASE_FIXTURE(Fixture, "compaction: an owner that fails leaves old and new in place") {
  store->set_live({});
  for (std::uint64_t id = 0; id < 36; ++id) add(id);
  for (std::uint64_t id = 0; id < 10; ++id) drop(id);
  auto live = [&](std::uint64_t segment) { return owner.live(segment); };
  auto fails = [&](const auto&) { throw std::runtime_error("the database is down"); };
  CHECK_THROWS_AS(store->compact(live, fails), std::runtime_error);
  clock.advance(std::chrono::seconds(100));
  check_all();
  CHECK(owner.compact(*store) > 0);
  clock.advance(std::chrono::seconds(100));
  owner.compact(*store);
  check_all();
}

TEST_CASE_FIXTURE(Fixture, "compaction: a bad record keeps its segment, and others are compacted") {
  QuietLog quiet;
  store->set_live({});
  for (std::uint64_t id = 0; id < 36; ++id) add(id);
  for (std::uint64_t id = 0; id < 24; ++id)
    if (id % 12 < 8) drop(id);
  const auto bad = *owner.find(11);
  layer.files.damage(layer.folder + "/" + segment_name(bad.segment, Kind::log), bad.offset + 500,
                     1);
  CHECK(owner.compact(*store) > 0);
  CHECK(owner.compact(*store) == 0);
  clock.advance(std::chrono::seconds(100));
  owner.compact(*store);
  CHECK(!store->read(bad, 0, 1).has_value());
  owner.drop(11);
  check_all();
}

TEST_CASE_TEMPLATE("threads: writers, readers, syncs and the compactor side by side", Layer, OnDisk,
                   InMemory) {
  Layer layer;
  SegmentOptions options;
  options.segment_bytes = 200'000;
  options.step = 50'000;
  options.compaction_rate = 0;
  options.keep_compacted = std::chrono::seconds(1);
  options.compress_from = 2'000;
  options.open_files = 5;
  auto store = open_store(layer.files, layer.folder, options);
  store->set_live({});
  Owner owner;
  std::atomic<int> wrong{0};
  std::atomic<bool> over{false};
  constexpr std::uint64_t threads = 8, each = 60;

  auto writer = [&](std::uint64_t t) {
    std::mt19937_64 random(t);
    for (std::uint64_t i = 0; i < each; ++i) {
      const auto id = t * each + i;
      const auto size = i % 30 == 29 ? 300'000 : random() % 12'000;
      auto at = put(*store, words(size, id));
      if (!at) {
        ++wrong;
        continue;
      }
      if (i % 4 == 0) store->sync();
      owner.add(id, *at);
      // Most of it is dropped again.
      if (i > 5 && i % 8 != 0) store->release(owner.drop(id));
    }
  };
  auto reader = [&](std::uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!over) {
      const auto id = random() % (threads * each);
      auto at = owner.find(id);
      if (!at) continue;
      std::string cached;
      auto hit = store->read_cached(*at, 0, at->size, cached);
      auto read = store->read(*at, 0, at->size);
      const auto expected = words(at->size, id);
      if (!read || *read != expected) ++wrong;
      if (!hit || (*hit && cached != expected)) ++wrong;
    }
  };
  auto compactor = [&] {
    while (!over) {
      owner.compact(*store);
      if (!problems(*store).empty()) ++wrong;
    }
  };
  std::vector<std::thread> writers, others;
  for (std::uint64_t t = 0; t < threads; ++t) writers.emplace_back(writer, t);
  others.emplace_back(reader, 100);
  others.emplace_back(reader, 101);
  others.emplace_back(compactor);
  for (auto& t : writers) t.join();
  over = true;
  for (auto& t : others) t.join();
  CHECK(wrong == 0);
  store->sync();
  CHECK(problems(*store).empty());
  for (std::uint64_t id = 0; id < threads * each; ++id)
    if (auto at = owner.find(id)) CHECK(must_read(*store, *at) == words(at->size, id));
}
