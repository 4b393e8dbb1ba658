#pragma once

#include "base/result.h"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a domain says about the TLS of its mail servers (RFC 8461).  Only the texts: sts_cache.h
// asks DNS, fetches and keeps policies.
namespace todoke::trust {

struct MtaStsPolicy {
  enum class Mode {
    none,     // the domain has no policy any longer
    testing,  // failures are reported, and mail is sent all the same
    enforce,  // no mail to a server that is not in `mx` or has no valid certificate
  };
  Mode mode = Mode::none;
  std::chrono::seconds max_age{0};  // how long it may be kept; at most mta_sts_max_age
  std::vector<std::string> mx;      // host names, lower case, or with "*." in front

  friend bool operator==(const MtaStsPolicy&, const MtaStsPolicy&) = default;
};

constexpr std::chrono::seconds mta_sts_max_age{31'557'600};  // RFC 8461 §3.2
// What is longer is no policy; RFC 8461 §3.3 suggests this much.
constexpr std::size_t max_mta_sts_policy = 64 * 1024;

// The id in the TXT record at _mta-sts.<domain>, given as the joined strings of each record found
// there; it changes when the policy does.  Nothing: the domain has no policy (RFC 8461 §3.1).
std::optional<std::string> mta_sts_id(std::span<const std::string> txt_records);

// The file at https://mta-sts.<domain>/.well-known/mta-sts.txt (RFC 8461 §3.2).  Errc::invalid and
// Errc::over_limit: there is no policy, and the text says why.
Result<MtaStsPolicy> parse_mta_sts_policy(std::string_view file);

// Whether the policy names this server (RFC 8461 §4.1).  A-labels, in any case, with or without the
// dot at the end; "*." stands for exactly one label.
bool names_mx(const MtaStsPolicy& policy, std::string_view host);

}  // namespace todoke::trust
