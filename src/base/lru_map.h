#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace todoke {

// A map of bounded size that drops what was not used for longest.  Ordered inside, so that keys
// chosen by strangers cannot make it slow (rule R6).  One thread at a time.
template <class Value>
class LruMap {
 public:
  explicit LruMap(std::size_t max_entries) : max_entries_(max_entries) {}

  // Null when there is none; else it counts as used now.  Valid until the next call.
  Value* find(std::string_view key) {
    auto at = index_.find(key);
    if (at == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, at->second);
    return &at->second->second;
  }

  // The value, made if there is none.
  Value& operator[](std::string_view key) {
    if (auto* value = find(key)) return *value;
    if (index_.size() >= max_entries_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(std::string(key), Value{});
    index_.emplace(entries_.front().first, entries_.begin());
    return entries_.front().second;
  }

  void erase(std::string_view key) {
    auto at = index_.find(key);
    if (at == index_.end()) return;
    const auto entry = at->second;
    index_.erase(at);  // before the text its key points to
    entries_.erase(entry);
  }

  std::size_t size() const { return index_.size(); }

 private:
  using Entries = std::list<std::pair<std::string, Value>>;
  std::size_t max_entries_;
  Entries entries_;  // the one used last is in front
  std::map<std::string_view, typename Entries::iterator, std::less<>> index_;
};

}  // namespace todoke
