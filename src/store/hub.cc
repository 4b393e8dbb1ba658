#include "store/hub.h"

#include <utility>

namespace todoke::store {

Hub::Subscription::Subscription(Subscription&& other) noexcept
    : hub_(std::exchange(other.hub_, nullptr)),
      account_id_(other.account_id_),
      number_(other.number_) {}

Hub::Subscription& Hub::Subscription::operator=(Subscription&& other) noexcept {
  std::swap(hub_, other.hub_);
  std::swap(account_id_, other.account_id_);
  std::swap(number_, other.number_);
  return *this;
}

Hub::Subscription::~Subscription() {
  if (hub_ != nullptr) hub_->remove(account_id_, number_);
}

Hub::Subscription Hub::subscribe(std::int64_t account_id, Listener listener) {
  auto& part = shard(account_id);
  std::lock_guard lock(part.mutex);
  auto number = part.next++;
  part.listeners.emplace(account_id, std::pair(number, std::move(listener)));
  return {this, account_id, number};
}

bool Hub::is_heard(std::int64_t account_id) {
  auto& part = shard(account_id);
  std::lock_guard lock(part.mutex);
  return part.listeners.contains(account_id);
}

void Hub::publish(const Change& change) {
  auto& part = shard(change.account_id);
  std::lock_guard lock(part.mutex);
  auto [begin, end] = part.listeners.equal_range(change.account_id);
  for (auto at = begin; at != end; ++at) at->second.second(change);
}

void Hub::remove(std::int64_t account_id, std::uint64_t number) {
  auto& part = shard(account_id);
  std::lock_guard lock(part.mutex);
  auto [begin, end] = part.listeners.equal_range(account_id);
  for (auto at = begin; at != end; ++at)
    if (at->second.first == number) {
      part.listeners.erase(at);
      return;
    }
}

}  // namespace todoke::store
