#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

namespace todoke::directory {

// Which state of the directory a remembered answer belongs to.  Every change makes a new one, and
// with it all older answers worthless.  Any thread.
class Generation {
 public:
  std::uint64_t current() const { return value_.load(std::memory_order_acquire); }
  void advance() { value_.fetch_add(1, std::memory_order_acq_rel); }

 private:
  std::atomic<std::uint64_t> value_{1};
};

// A bounded memory of answers.  Whoever fills it reads generation.current() before the database and
// hands it in with the answer, so that what was read before a change is never found after it.
//
// Each shard has two halves: answers go into the young one; when that is full it becomes the old
// one and the old one is dropped.  What is asked for again moves back into the young one, so a
// flood of other keys does not push it out.  Ordered maps, for their keys come from strangers, who
// must not be able to make lookups slow (rule R6).  Any thread; a hit takes a shared lock.
template <class Key, class Value>
class GenerationCache {
 public:
  GenerationCache(const Generation& generation, std::size_t max_entries)
      : generation_(generation), max_half_(max_entries / shard_count / 2) {}

  template <class Lookup>
  std::optional<Value> find(const Lookup& key) const {
    auto& shard = shard_of(key);
    const auto now = generation_.current();
    {
      std::shared_lock lock(shard.mutex);
      if (auto at = shard.young.find(key); at != shard.young.end()) return valid(at->second, now);
      auto at = shard.old.find(key);
      if (at == shard.old.end() || at->second.generation != now) return std::nullopt;
    }
    std::unique_lock lock(shard.mutex);
    auto moved = shard.old.extract(Key(key));
    if (moved.empty()) return std::nullopt;
    auto found = valid(moved.mapped(), now);
    make_room(shard);
    shard.young.insert(std::move(moved));
    return found;
  }

  // `read_in`: the generation before the database was asked.
  void keep(Key key, Value value, std::uint64_t read_in) {
    if (read_in != generation_.current()) return;
    auto& shard = shard_of(key);
    std::unique_lock lock(shard.mutex);
    make_room(shard);
    auto& entry = shard.young[std::move(key)];
    // A slow reader must not put an older answer over a newer one.
    if (read_in >= entry.generation) entry = {std::move(value), read_in};
  }

  std::size_t size() const {
    std::size_t sum = 0;
    for (auto& shard : shards_) {
      std::shared_lock lock(shard.mutex);
      sum += shard.young.size() + shard.old.size();
    }
    return sum;
  }

 private:
  static constexpr std::size_t shard_count = 64;  // 6 bits, see shard_of
  struct Entry {
    Value value;
    std::uint64_t generation = 0;
  };
  using Map = std::map<Key, Entry, std::less<>>;
  struct alignas(64) Shard {
    std::shared_mutex mutex;
    Map young;
    Map old;
  };

  template <class Lookup>
  Shard& shard_of(const Lookup& key) const {
    // Ids end in many zero bits, so the hash, which for numbers is the number, is mixed.
    return shards_[std::hash<Lookup>()(key) * 0x9e3779b97f4a7c15u >> 58];
  }
  static std::optional<Value> valid(const Entry& entry, std::uint64_t now) {
    if (entry.generation != now) return std::nullopt;
    return entry.value;
  }
  void make_room(Shard& shard) const {
    if (shard.young.size() < max_half_) return;
    shard.old = std::move(shard.young);
    shard.young.clear();
  }

  const Generation& generation_;
  const std::size_t max_half_;
  mutable std::array<Shard, shard_count> shards_;
};

}  // namespace todoke::directory
