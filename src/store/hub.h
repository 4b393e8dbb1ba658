#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace todoke::store {

// Something durable happened in an account.
struct Change {
  std::int64_t account_id = 0;
  std::int64_t mailbox_id = 0;  // 0: the list of mailboxes changed
  std::int64_t modseq = 0;
};

// Tells live sessions of changes that other sessions, deliveries or the command line made.  A
// change is published after its commit; it is a hint to look, and several may be told as one.  Any
// thread.
class Hub {
 public:
  using Listener = std::function<void(const Change&)>;

  // Ends when destroyed; the listener is not called after that.
  class Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&& other) noexcept;
    Subscription& operator=(Subscription&& other) noexcept;
    ~Subscription();

   private:
    friend Hub;
    Subscription(Hub* hub, std::int64_t account_id, std::uint64_t number)
        : hub_(hub), account_id_(account_id), number_(number) {}
    Hub* hub_ = nullptr;
    std::int64_t account_id_ = 0;
    std::uint64_t number_ = 0;
  };

  // `listener` runs on the publisher's thread: it posts to its own and returns.
  [[nodiscard]] Subscription subscribe(std::int64_t account_id, Listener listener);
  void publish(const Change& change);

 private:
  struct Shard {
    std::mutex mutex;
    std::multimap<std::int64_t, std::pair<std::uint64_t, Listener>> listeners;
    std::uint64_t next = 1;
  };
  static constexpr std::size_t shard_count = 16;
  Shard& shard(std::int64_t account_id) {
    return shards_[static_cast<std::size_t>(account_id) % shard_count];
  }
  void remove(std::int64_t account_id, std::uint64_t number);

  Shard shards_[shard_count];
};

}  // namespace todoke::store
