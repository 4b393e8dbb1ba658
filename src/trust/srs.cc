#include "trust/srs.h"

#include "base/ascii.h"
#include "base/encoding.h"
#include "crypto/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace todoke::trust {
namespace {

constexpr std::size_t max_local_part = 64;  // RFC 5321 §4.5.3.1.1
constexpr std::size_t max_domain = 255;     // RFC 5321 §4.5.3.1.2
constexpr std::string_view srs0 = "SRS0", srs1 = "SRS1";
// 40 bits: more than anybody guesses by mail, and short enough for long addresses.
constexpr std::size_t hash_length = 8;

constexpr std::string_view day_digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::int64_t day_cycle = 32 * 32;

std::int64_t day_of(Time time) {
  return std::chrono::floor<std::chrono::days>(time).time_since_epoch().count();
}

// Days since 1970, modulo 1024, as two digits.
std::string day_text(Time time) {
  const auto day = static_cast<std::size_t>(day_of(time)) % day_cycle;
  return {day_digits[day / 32], day_digits[day % 32]};
}
std::optional<std::int64_t> day_number(std::string_view text) {
  if (text.size() != 2) return {};
  const auto high = day_digits.find(ascii::lower(text[0]));
  const auto low = day_digits.find(ascii::lower(text[1]));
  if (high == std::string_view::npos || low == std::string_view::npos) return {};
  return static_cast<std::int64_t>(high * 32 + low);
}

// Behind "SRS0" and "SRS1" other implementations may have '+' or '-' for '='.
bool has_tag(std::string_view local, std::string_view tag) {
  return local.size() > tag.size() && ascii::starts_with_ignoring_case(local, tag) &&
         std::string_view("=+-").find(local[tag.size()]) != std::string_view::npos;
}

// Cuts off what stands before the first '=', and the '=' itself.
std::optional<std::string_view> take_part(std::string_view& text) {
  const auto end = text.find('=');
  if (end == std::string_view::npos) return {};
  const auto part = text.substr(0, end);
  text.remove_prefix(end + 1);
  return part;
}

bool is_host(std::string_view text) {
  auto fits = [](char c) {
    return ascii::is_alnum(c) || ascii::is_8bit(c) || c == '-' || c == '.' || c == '_';
  };
  return !text.empty() && text.size() <= max_domain && std::ranges::all_of(text, fits);
}

Error not_ours() {
  return {Errc::invalid, "no SRS address of ours"};
}

}  // namespace

std::string Srs::hash(std::string_view tag, std::string_view rest) const {
  auto bytes =
      crypto::hmac_sha256(secret_, fmt::format("todoke {}\n{}", tag, ascii::to_lower(rest)));
  return base32_encode(bytes).substr(0, hash_length);
}

bool Srs::is_srs(std::string_view local) {
  return has_tag(local, srs0) || has_tag(local, srs1);
}

Result<SrsAddress> Srs::rewrite(const SrsAddress& sender, Time now) const {
  if (sender.local.empty() || !is_host(sender.domain))
    return fail(Errc::invalid, "no sender that can be rewritten");
  if (ascii::equal_ignoring_case(sender.domain, domain_)) return sender;

  std::string local;
  if (has_tag(sender.local, srs0)) {
    const auto rest = fmt::format("{}={}", sender.domain, sender.local.substr(srs0.size()));
    local = fmt::format("{}={}={}", srs1, hash(srs1, rest), rest);
  } else if (has_tag(sender.local, srs1)) {
    // Behind the hash of the forwarder before us stands where it really began.
    auto rest = std::string_view(sender.local).substr(srs1.size() + 1);
    auto way_back = take_part(rest) ? rest : std::string_view();
    const auto host = take_part(way_back);
    if (!host || !is_host(*host) || way_back.empty())
      return fail(Errc::invalid, "a sender with half an SRS1 address");
    local = fmt::format("{}={}={}", srs1, hash(srs1, rest), rest);
  } else {
    const auto rest = fmt::format("{}={}={}", day_text(now), sender.domain, sender.local);
    local = fmt::format("{}={}={}", srs0, hash(srs0, rest), rest);
  }
  if (local.size() > max_local_part)
    return fail(Errc::over_limit, "the sender is too long to be rewritten");
  return SrsAddress{std::move(local), domain_};
}

Result<SrsAddress> Srs::reverse(std::string_view local, Time now) const {
  const bool first = has_tag(local, srs0);
  if (!first && !has_tag(local, srs1)) return std::unexpected(not_ours());
  auto rest = local.substr(srs0.size() + 1);
  const auto proof = take_part(rest);
  if (!proof || !crypto::equal(hash(first ? srs0 : srs1, rest), ascii::to_lower(*proof)))
    return std::unexpected(not_ours());

  // From here on every byte is ours.
  if (!first) {
    const auto host = take_part(rest);
    if (!host || !is_host(*host) || rest.empty()) return std::unexpected(not_ours());
    return SrsAddress{std::string(srs0) + std::string(rest), std::string(*host)};
  }
  const auto day = take_part(rest);
  const auto domain = take_part(rest);
  const auto made = day ? day_number(*day) : std::nullopt;
  if (!made || !domain || !is_host(*domain) || rest.empty()) return std::unexpected(not_ours());
  const auto age = ((day_of(now) - *made) % day_cycle + day_cycle) % day_cycle;
  // One day of grace for a clock that was set back.
  if (age > srs_validity.count() && age != day_cycle - 1)
    return fail(Errc::denied, "the SRS address has expired");
  return SrsAddress{std::string(rest), std::string(*domain)};
}

}  // namespace todoke::trust
