#include "net/tls_sessions.h"

#include <ctime>
#include <iterator>

namespace todoke::net {

void TlsClient::Sessions::keep(const std::string& key, Kept kept) {
  std::lock_guard lock(mutex_);
  // Any other will do: whoever loses a session makes a whole handshake.
  if (kept_.size() >= most && !kept_.contains(key)) {
    auto after = kept_.upper_bound(key);
    kept_.erase(after != kept_.end() ? after : kept_.begin());
  }
  kept_[key] = std::move(kept);
}

std::optional<TlsClient::Sessions::Kept> TlsClient::Sessions::take(const std::string& key) {
  constexpr long longest = 3600;
  std::lock_guard lock(mutex_);
  auto node = kept_.extract(key);
  if (node.empty()) return {};
  auto age = std::time(nullptr) - SSL_SESSION_get_time(node.mapped().session.get());
  if (age < 0 || age > longest) return {};
  return std::move(node.mapped());
}

}  // namespace todoke::net
