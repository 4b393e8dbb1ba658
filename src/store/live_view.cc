#include "store/live_view.h"

#include <algorithm>

namespace todoke::store {
namespace {

// Messages of changes that may wait to be asked for, or twice the mailbox.  After more it is
// cheaper to read the mailbox again.
constexpr std::size_t max_pending = 4096;

// Views that are kept without a session.
constexpr std::size_t max_kept = 256;

}  // namespace

LiveView::LiveView(sql::Db& db, Hub& hub, std::int64_t account_id, std::int64_t mailbox_id)
    : db_(db),
      account_id_(account_id),
      mailbox_id_(mailbox_id),
      subscription_(hub.subscribe(account_id, [this](const Change& change) { hear(change); })) {}

// On the database's writer thread: takes note, and leaves the work to who asks.
void LiveView::hear(const Change& change) {
  if (change.mailbox_id != mailbox_id_) return;
  std::lock_guard lock(mutex_);
  if (change.delta) {
    pending_size_ += 1 + change.delta->placed.size() + change.delta->gone.size();
    if (pending_size_ <= std::max(max_pending, view_ ? 2 * view_->size() : 0)) {
      pending_.push_back(change);
      return;
    }
  }
  ++surprises_;
  view_ = nullptr;
  pending_.clear();
  pending_size_ = 0;
}

std::shared_ptr<const View> LiveView::caught_up() {
  if (!view_) return nullptr;
  for (const auto& change : pending_)
    if (change.modseq > view_->highestmodseq()) view_ = view_->with(*change.delta, change.modseq);
  pending_.clear();
  pending_size_ = 0;
  return view_;
}

std::shared_ptr<const View> LiveView::cached() {
  std::lock_guard lock(mutex_);
  return caught_up();
}

Task<std::shared_ptr<const View>> LiveView::latest() {
  if (auto known = cached()) co_return known;
  for (;;) {
    std::uint64_t surprises;
    {
      std::lock_guard lock(mutex_);
      surprises = surprises_;
    }
    auto query = [&](sql::Tx& tx) { return read_view(tx, account_id_, mailbox_id_); };
    auto read = co_await db_.read(query);
    std::lock_guard lock(mutex_);
    // What was announced while we read is pending; what came without details may be missing.
    if (surprises != surprises_) continue;
    if (!view_) view_ = std::move(read);
    co_return caught_up();
  }
}

std::size_t LiveView::memory() const {
  std::lock_guard lock(mutex_);
  return sizeof(LiveView) + (view_ ? view_->memory() : 0);
}

std::shared_ptr<LiveView> LiveViews::find(std::int64_t account_id, std::int64_t mailbox_id) {
  Key key(account_id, mailbox_id);
  std::lock_guard lock(mutex_);
  auto [at, is_new] = by_key_.try_emplace(key, Known{{}, recent_.end()});
  auto& known = at->second;
  auto view = known.view.lock();
  if (!view) {
    view = std::make_shared<LiveView>(db_, hub_, account_id, mailbox_id);
    known.view = view;
  }
  if (known.kept != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, known.kept);
    return view;
  }
  known.kept = recent_.emplace(recent_.begin(), key, view);
  forget_some();
  return view;
}

// Lets go of the views used longest ago, the newest excepted; sessions may still hold them.
void LiveViews::forget_some() {
  std::size_t bytes = 0, count = 0;
  auto keep = recent_.begin();
  for (; keep != recent_.end(); ++keep) {
    bytes += keep->second->memory();
    if (++count > 1 && (bytes > max_bytes_ || count > max_kept)) break;
  }
  for (auto at = keep; at != recent_.end(); ++at) by_key_.at(at->first).kept = recent_.end();
  recent_.erase(keep, recent_.end());
  if (by_key_.size() < sweep_at_) return;
  std::erase_if(by_key_, [](const auto& known) { return known.second.view.expired(); });
  sweep_at_ = 2 * by_key_.size() + max_kept;
}

}  // namespace todoke::store
