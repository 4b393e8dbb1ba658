#include "directory/verified_passwords.h"

#include "crypto/digest.h"
#include "crypto/random.h"

#include <algorithm>
#include <chrono>

namespace todoke::directory {
namespace {

constexpr std::chrono::minutes valid_for{10};
constexpr std::size_t max_per_account = 8;

}  // namespace

VerifiedPasswords::VerifiedPasswords(const Clock& clock)
    : clock_(clock), key_(crypto::random_bytes(32)) {}

std::string VerifiedPasswords::digest(std::initializer_list<std::string_view> fields) const {
  std::string text;
  for (auto field : fields) {
    text += std::to_string(field.size());
    text += ':';
    text += field;
  }
  return crypto::hmac_sha256(key_, text);
}

bool VerifiedPasswords::contains(std::int64_t account, std::string_view digest) {
  const auto now = clock_.steady();
  std::lock_guard lock(mutex_);
  auto* entries = accounts_.find(std::to_string(account));
  if (entries == nullptr) return false;
  std::erase_if(*entries, [&](const Entry& entry) { return entry.until <= now; });
  // Without the key nobody can steer the digest, so the time of comparing tells nothing.
  return std::ranges::any_of(*entries, [&](const Entry& entry) { return entry.digest == digest; });
}

void VerifiedPasswords::remember(std::int64_t account, std::string digest) {
  const auto until = clock_.steady() + valid_for;
  std::lock_guard lock(mutex_);
  auto& entries = accounts_[std::to_string(account)];
  std::erase_if(entries, [&](const Entry& entry) { return entry.digest == digest; });
  if (entries.size() == max_per_account) entries.erase(entries.begin());
  entries.push_back({std::move(digest), until});
}

void VerifiedPasswords::forget(std::int64_t account) {
  std::lock_guard lock(mutex_);
  accounts_.erase(std::to_string(account));
}

}  // namespace todoke::directory
