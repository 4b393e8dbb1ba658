#pragma once

#include "base/task.h"
#include "sql/db.h"
#include "store/hub.h"
#include "store/view.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace todoke::store {

// The view of one mailbox that its sessions share, kept at the latest moment by what the Hub tells.
// Any thread.
class LiveView {
 public:
  LiveView(sql::Db& db, Hub& hub, std::int64_t account_id, std::int64_t mailbox_id);

  // The mailbox as it is now: all that was committed before the call is in it.  Reads the database
  // when nobody had the mailbox open, or after a change that came without details.
  [[nodiscard]] Task<std::shared_ptr<const View>> latest();
  // The same if that is known without asking the database.
  std::shared_ptr<const View> cached();

  std::size_t memory() const;

 private:
  void hear(const Change& change);
  std::shared_ptr<const View> caught_up();  // the mutex is held

  sql::Db& db_;
  const std::int64_t account_id_;
  const std::int64_t mailbox_id_;
  mutable std::mutex mutex_;
  std::shared_ptr<const View> view_;  // null: not read yet, or `stale`
  std::vector<Change> pending_;       // heard and not yet in `view_`
  std::size_t pending_size_ = 0;      // their messages
  std::uint64_t surprises_ = 0;       // changes without details so far
  Hub::Subscription subscription_;    // last: it ends first
};

// The live views of all mailboxes: those that sessions hold, and of the others the ones used last,
// as many as fit a bound of memory.  Any thread.
class LiveViews {
 public:
  LiveViews(sql::Db& db, Hub& hub, std::size_t max_bytes)
      : db_(db), hub_(hub), max_bytes_(max_bytes) {}

  std::shared_ptr<LiveView> find(std::int64_t account_id, std::int64_t mailbox_id);

 private:
  using Key = std::pair<std::int64_t, std::int64_t>;
  struct Known {
    std::weak_ptr<LiveView> view;
    std::list<std::pair<Key, std::shared_ptr<LiveView>>>::iterator kept;
  };
  void forget_some();

  sql::Db& db_;
  Hub& hub_;
  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::list<std::pair<Key, std::shared_ptr<LiveView>>> recent_;  // most recent first
  std::map<Key, Known> by_key_;
  std::size_t sweep_at_ = 1024;  // size of by_key_ at which to look for ended ones
};

}  // namespace todoke::store
