#include "trust/dkim_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace todoke::trust {
namespace {

constexpr std::array algorithms{crypto::KeyAlgorithm::rsa, crypto::KeyAlgorithm::ed25519};

constexpr std::string_view name_of(crypto::KeyAlgorithm algorithm) {
  return algorithm == crypto::KeyAlgorithm::rsa ? "rsa" : "ed25519";
}

// Year and month, so that people see in a zone what is old: t202611r, the next of that month
// t202611r2.
std::string new_selector(std::span<const DkimKey> keys, Time now, crypto::KeyAlgorithm algorithm) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const auto first = fmt::format("t{:04}{:02}{}", static_cast<int>(day.year()),
                                 static_cast<unsigned>(day.month()), name_of(algorithm)[0]);
  auto taken = [&](std::string_view selector) {
    return std::ranges::any_of(keys, [&](const DkimKey& key) { return key.selector == selector; });
  };
  auto selector = first;
  for (int i = 2; taken(selector); ++i) selector = fmt::format("{}{}", first, i);
  return selector;
}

bool any_in(std::span<const DkimKey> keys, Time now, DkimKeyState state) {
  return std::ranges::any_of(keys, [&](const DkimKey& k) { return state_of(k, now) == state; });
}

DkimRotation fresh_keys(std::string_view domain, std::span<const DkimKey> keys, Time now,
                        std::chrono::microseconds publishing_time) {
  DkimRotation rotation;
  for (auto algorithm : algorithms)
    rotation.fresh.push_back({.domain = std::string(domain),
                              .selector = new_selector(keys, now, algorithm),
                              .algorithm = algorithm,
                              .public_key = {},
                              .created_at = now,
                              .active_from = now + publishing_time,
                              .retired_at = {}});
  return rotation;
}

}  // namespace

DkimKeyState state_of(const DkimKey& key, Time now) {
  // Taken back before it ever signed.
  if (key.retired_at && *key.retired_at < key.active_from && now >= *key.retired_at)
    return DkimKeyState::gone;
  if (key.retired_at && now >= *key.retired_at + dkim_record_kept) return DkimKeyState::gone;
  if (key.retired_at && now >= *key.retired_at) return DkimKeyState::retired;
  return now >= key.active_from ? DkimKeyState::active : DkimKeyState::waiting;
}

std::vector<const DkimKey*> signing_keys(std::span<const DkimKey> keys, Time now) {
  std::vector<const DkimKey*> signing;
  for (auto algorithm : algorithms) {
    const DkimKey* newest = nullptr;
    for (const auto& key : keys) {
      if (key.algorithm != algorithm || state_of(key, now) != DkimKeyState::active) continue;
      if (newest == nullptr || key.active_from > newest->active_from) newest = &key;
    }
    if (newest != nullptr) signing.push_back(newest);
  }
  return signing;
}

Result<DkimRotation> plan_first_keys(std::string_view domain, std::span<const DkimKey> keys,
                                     Time now, std::chrono::microseconds publishing_time) {
  if (any_in(keys, now, DkimKeyState::active) || any_in(keys, now, DkimKeyState::waiting))
    return fail(Errc::conflict, fmt::format("{} has DKIM keys already", domain));
  return fresh_keys(domain, keys, now, publishing_time);
}

Result<DkimRotation> plan_rotation(std::string_view domain, std::span<const DkimKey> keys, Time now,
                                   std::chrono::microseconds publishing_time) {
  if (any_in(keys, now, DkimKeyState::waiting))
    return fail(Errc::conflict, fmt::format("{} has new DKIM keys waiting already", domain));
  if (!any_in(keys, now, DkimKeyState::active))
    return fail(Errc::not_found, fmt::format("{} has no DKIM keys", domain));
  auto rotation = fresh_keys(domain, keys, now, publishing_time);
  for (const auto& key : keys)
    if (state_of(key, now) == DkimKeyState::active) rotation.retiring.push_back(key.selector);
  return rotation;
}

DkimRecord dkim_record(const DkimKey& key) {
  return {fmt::format("{}._domainkey.{}", key.selector, key.domain),
          fmt::format("v=DKIM1; k={}; p={}", name_of(key.algorithm), key.public_key)};
}

std::vector<DkimRecord> dkim_records(std::span<const DkimKey> keys, Time now) {
  std::vector<DkimRecord> records;
  for (const auto& key : keys)
    if (state_of(key, now) != DkimKeyState::gone) records.push_back(dkim_record(key));
  return records;
}

std::string zone_line(const DkimRecord& record) {
  constexpr std::size_t max_string = 255;  // RFC 1035 §3.3
  auto line = fmt::format("{}. IN TXT (", record.name);
  for (std::size_t at = 0; at < record.value.size(); at += max_string)
    line += fmt::format(" \"{}\"", std::string_view(record.value).substr(at, max_string));
  return line += " )";
}

}  // namespace todoke::trust
