#include "directory/sign_outs.h"

namespace todoke::directory {

SignOuts::Watch::~Watch() {
  if (sign_outs_ == nullptr) return;
  std::lock_guard lock(sign_outs_->mutex_);
  sign_outs_->watchers_.erase(number_);
}

bool SignOuts::holds(const Principal& principal) const {
  if (principal.signed_in_at == moment()) return true;
  std::lock_guard lock(mutex_);
  return holds_now(principal);
}

bool SignOuts::holds_now(const Principal& principal) const {
  auto is_later = [&](const auto& moments, std::int64_t id) {
    auto found = moments.find(id);
    return found != moments.end() && found->second > principal.signed_in_at;
  };
  return !is_later(accounts_, principal.account_id) &&
         !is_later(organisations_, principal.organisation_id);
}

void SignOuts::sign_out_account(std::int64_t account_id) {
  std::lock_guard lock(mutex_);
  accounts_[account_id] = moment_.fetch_add(1, std::memory_order_acq_rel) + 1;
  for (const auto& [number, watcher] : watchers_)
    if (watcher.account_id == account_id) watcher.ended();
}

void SignOuts::sign_out_organisation(std::int64_t organisation_id) {
  std::lock_guard lock(mutex_);
  organisations_[organisation_id] = moment_.fetch_add(1, std::memory_order_acq_rel) + 1;
  for (const auto& [number, watcher] : watchers_)
    if (watcher.organisation_id == organisation_id) watcher.ended();
}

SignOuts::Watch SignOuts::watch(const Principal& principal, std::function<void()> ended) {
  std::lock_guard lock(mutex_);
  if (!holds_now(principal)) ended();
  auto number = next_++;
  watchers_.emplace(number,
                    Watcher{principal.account_id, principal.organisation_id, std::move(ended)});
  return {this, number};
}

}  // namespace todoke::directory
