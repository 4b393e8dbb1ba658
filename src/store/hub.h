#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace todoke::store {

// A message in a mailbox, as far as all who have the mailbox open must know it.
struct Placement {
  std::int64_t message_id = 0;
  std::int64_t modseq = 0;
  std::uint64_t size = 0;
  std::uint32_t uid = 0;
  unsigned flags = 0;
  std::string keywords;  // as in placement.keywords
};

// What one commit did to a mailbox.
struct Delta {
  std::vector<Placement> placed;    // new, or with other flags; by UID
  std::vector<std::uint32_t> gone;  // UIDs, sorted
};

// Something durable happened in an account.
struct Change {
  std::int64_t account_id = 0;
  std::int64_t mailbox_id = 0;  // 0: the list of mailboxes changed
  std::int64_t modseq = 0;
  // Shared by all who hear of it, and immutable.  Null: look for yourself what it was.
  std::shared_ptr<const Delta> delta;
};

// Tells live sessions of changes that other sessions, deliveries or the command line made.  A
// change is published after its commit, and changes of an account in the order of their commits:
// from the second function that Db::write() takes.  Any thread.
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

  // `listener` runs on the publisher's thread: it takes note and returns.
  [[nodiscard]] Subscription subscribe(std::int64_t account_id, Listener listener);
  // Whether publishing for this account would reach anybody now.
  bool is_heard(std::int64_t account_id);
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
