#include "blob/test_support.h"

#include <doctest/doctest.h>

#include <algorithm>

// The disk loses power at every change in turn, keeping none, all or some of what was not synced.
// What was synced must read back byte for byte, and nothing may read back wrong.
using namespace todoke;
using namespace todoke::blob;
using namespace todoke::blob::test;

namespace {

struct Stored {
  Location at;
  std::string bytes;
};

struct Memory {
  std::vector<Stored> synced;
  std::vector<Stored> unsynced;
};

SegmentOptions small_segments(Ahead ahead) {
  SegmentOptions options;
  options.segment_bytes = 60'000;
  options.step = 9'000;
  options.ahead = ahead;
  options.compress_from = 3'000;
  options.compaction_rate = 0;
  options.keep_compacted = std::chrono::seconds(0);
  return options;
}

void put_and_note(Store& store, Memory& memory, std::size_t size, std::uint64_t seed) {
  const auto bytes = seed % 3 == 0 ? words(size, seed) : noise(size, seed);
  const auto prefix = seed % 2 == 0 ? words(seed % 1'000, 1) : "";
  // Many pieces, so that the power may go between them.
  auto at = put(store, bytes, prefix);
  if (at) memory.unsynced.push_back({*at, prefix + bytes});
}

// False when the power went.
bool sync_and_note(Store& store, Memory& memory) {
  try {
    store.sync();
  } catch (const Unavailable&) {
    return false;
  }
  for (auto& s : memory.unsynced) memory.synced.push_back(std::move(s));
  memory.unsynced.clear();
  return true;
}

// Drops every other blob and rewrites the segments that this empties, as an owner would whose
// database is durable at once.
void drop_and_compact(Store& store, Memory& memory) {
  std::vector<Stored> kept;
  for (std::size_t i = 0; i < memory.synced.size(); ++i) {
    if (i % 4 == 1)
      kept.push_back(memory.synced[i]);
    else
      store.release(memory.synced[i].at);
  }
  memory.synced = std::move(kept);
  auto live = [&](std::uint64_t segment) {
    std::vector<Location> found;
    for (const auto& s : memory.synced)
      if (s.at.segment == segment) found.push_back(s.at);
    return found;
  };
  auto moved = [&](const std::vector<std::pair<Location, Location>>& pairs) {
    for (const auto& [from, to] : pairs)
      for (auto& s : memory.synced)
        if (s.at == from) s.at = to;
  };
  try {
    while (store.compact(live, moved) > 0) {
    }
    store.compact(live, moved);
  } catch (const Unavailable&) {
  }
}

void work(Store& store, Memory& memory, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < 14; ++i) {
    const auto kind = random() % 12;
    if (kind == 0)
      put_and_note(store, memory, 263'000 + random() % 100'000, random());
    else
      put_and_note(store, memory, random() % 9'000, random());
    if (kind % 3 == 0 && !sync_and_note(store, memory)) return;
  }
  if (!sync_and_note(store, memory)) return;
  drop_and_compact(store, memory);
  for (int i = 0; i < 4; ++i) put_and_note(store, memory, random() % 9'000, random());
  sync_and_note(store, memory);
  put_and_note(store, memory, 500, random());
}

void tell_live(Store& store, const Memory& memory) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> live;
  for (const auto& s : memory.synced) live.emplace_back(s.at.segment, s.at.stored);
  store.set_live(live);
}

// Answers whether everything is as it must be after a power loss.
bool check(Store& store, const Memory& memory) {
  for (const auto& s : memory.synced) {
    auto read = store.read(s.at, 0, s.at.size);
    if (!read || *read != s.bytes) return false;
  }
  for (const auto& s : memory.unsynced) {
    auto read = store.read(s.at, 0, s.at.size);
    if (read && *read != s.bytes) return false;
  }
  return true;
}

std::uint64_t changes_of(std::uint64_t seed, Ahead ahead) {
  InMemory layer;
  Memory memory;
  auto store = open_store(layer.files, layer.folder, small_segments(ahead));
  tell_live(*store, memory);
  work(*store, memory, seed);
  CHECK(memory.synced.size() >= 4);
  return layer.files.operations();
}

void cut_everywhere(std::uint64_t seed, Ahead ahead, MemoryFiles::Cut cut) {
  QuietLog quiet;
  const auto changes = changes_of(seed, ahead);
  for (std::uint64_t at = 0; at <= changes; ++at) {
    CAPTURE(at);
    InMemory layer;
    Memory memory;
    auto store = open_store(layer.files, layer.folder, small_segments(ahead));
    tell_live(*store, memory);
    layer.files.cut_after(at);
    work(*store, memory, seed);
    store.reset();
    layer.files.restart(cut, seed * 1'000 + at);

    store = open_store(layer.files, layer.folder, small_segments(ahead));
    REQUIRE(check(*store, memory));
    // Life goes on, over whatever the loss has left, and survives a second one.
    tell_live(*store, memory);
    memory.unsynced.clear();
    for (std::uint64_t i = 0; i < 5; ++i) put_and_note(*store, memory, 2'500, at * 10 + i);
    REQUIRE(sync_and_note(*store, memory));
    REQUIRE(check(*store, memory));
    put_and_note(*store, memory, 2'500, at);
    store.reset();
    layer.files.restart(cut, at);
    store = open_store(layer.files, layer.folder, small_segments(ahead));
    REQUIRE(check(*store, memory));
    if (cut == MemoryFiles::Cut::lose_all) {
      for (const auto& s : memory.unsynced) REQUIRE(!store->read(s.at, 0, 1).has_value());
    }
  }
}

}  // namespace

TEST_CASE("power loss: nothing unsynced survives") {
  for (std::uint64_t seed : {1, 2, 3})
    cut_everywhere(seed, Ahead::reserved, MemoryFiles::Cut::lose_all);
}

TEST_CASE("power loss: random sectors, sizes and names survive") {
  for (std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8})
    cut_everywhere(seed, seed % 2 == 0 ? Ahead::reserved : Ahead::zeros,
                   MemoryFiles::Cut::lose_some);
}

TEST_CASE("power loss: a mere crash of the program loses no finished blob") {
  cut_everywhere(4, Ahead::zeros, MemoryFiles::Cut::keep_all);
}

TEST_CASE("power loss: after a crash of the program only, the log it left is made durable too") {
  InMemory layer;
  auto store = open_store(layer.files, layer.folder);
  must_put(*store, "never synced");
  store.reset();
  store = open_store(layer.files, layer.folder);
  auto at = must_put(*store, "synced");
  store->sync();
  store.reset();
  layer.files.restart(MemoryFiles::Cut::lose_all, 1);
  store = open_store(layer.files, layer.folder);
  CHECK(must_read(*store, at) == "synced");
}

TEST_CASE("memory files: what is not synced may go, sector by sector") {
  MemoryFiles files;
  REQUIRE(files.make_folder("/f").has_value());
  {
    auto file = files.open("/f/a", Access::create).value();
    REQUIRE(file->pwrite(std::string(10'000, 'a'), 0).has_value());
    REQUIRE(file->fdatasync().has_value());
  }
  files.restart(MemoryFiles::Cut::lose_all, 1);
  CHECK(!files.open("/f/a", Access::read).has_value());  // its name was not synced

  bool torn = false, whole = false, nothing = false, short_file = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryFiles disk;
    auto file = disk.open("/f/a", Access::create).value();
    REQUIRE(file->pwrite(std::string(2'000, 'a'), 0).has_value());
    REQUIRE(file->fdatasync().has_value());
    REQUIRE(disk.sync_directory("/f").has_value());
    REQUIRE(file->pwrite(std::string(1'500, 'b'), 500).has_value());
    REQUIRE(file->pwrite(std::string(500, 'c'), 2'000).has_value());
    disk.restart(MemoryFiles::Cut::lose_some, seed);
    CHECK(!file->pwrite("x", 0).has_value());  // opened before the loss
    file = disk.open("/f/a", Access::read).value();
    std::string back(3'000, '\0');
    const auto n = file->pread(back, 0).value();
    REQUIRE((n == 2'000 || n == 2'500));
    short_file |= n == 2'000;
    CHECK(back.substr(0, 500) == std::string(500, 'a'));  // synced, and written by nobody since
    const auto bs = std::count(back.begin(), back.end(), 'b');
    nothing |= bs == 0;
    whole |= bs == 1'500;
    torn |= bs != 0 && bs != 1'500;
  }
  CHECK(torn);
  CHECK(whole);
  CHECK(nothing);
  CHECK(short_file);
}

TEST_CASE("memory files: names survive by sync_directory") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    MemoryFiles files;
    REQUIRE(files.open("/f/a", Access::create).has_value());
    REQUIRE(files.open("/f/b", Access::create).has_value());
    REQUIRE(files.sync_directory("/f").has_value());
    REQUIRE(files.rename("/f/a", "/f/c").has_value());
    REQUIRE(files.remove("/f/b").has_value());
    CHECK(files.list("/f")->size() == 1);
    files.restart(MemoryFiles::Cut::lose_some, seed);
    // Renamed or not, but there once.
    CHECK(files.open("/f/a", Access::read).has_value() !=
          files.open("/f/c", Access::read).has_value());
  }
}
