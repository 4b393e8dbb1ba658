#pragma once

#include "base/result.h"
#include "base/task.h"
#include "dns/records.h"
#include "dns/resolver.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Where mail for a domain goes: its hosts, their addresses, and what DANE asks of them.
namespace todoke::dns {

constexpr std::size_t max_mail_hosts = 20;
constexpr std::size_t max_addresses = 16;

struct MailHost {
  std::uint16_t preference = 0;  // the lower, the sooner
  std::string name;              // lower case, no final dot
  bool operator==(const MailHost&) const = default;
};

struct MailHosts {
  // The order to try them in; never empty, each name once.
  std::vector<MailHost> hosts;
  // DNSSEC vouches for the list, also for its absence when implicit.
  bool secure = false;
  // No MX record: the domain itself, after CNAMEs, is the only host.
  bool implicit = false;
  std::chrono::seconds ttl{0};
};

// RFC 5321 §5.1.  `domain` may have U-labels.  Hosts of equal preference are put into an order that
// `seed` decides.  Records that name no possible host (an IP address, localhost, the root beside
// others) are passed over, and those after the first max_mail_hosts in order.
// Errors: not_found: no such domain, neither MX nor address, or no MX names a possible host.
// denied: the domain takes no mail (null MX, RFC 7505).  unavailable: DNS trouble, ask later.
[[nodiscard]] Task<Result<MailHosts>> find_mail_hosts(Resolver& resolver,  // NOLINT: outlives
                                                      std::string domain, std::uint64_t seed);

// RFC 5321 §5.1: a relay that stands in the list itself must not send to hosts as far or farther
// from the domain.  Removes all from the preference of `own_name` on; false if nothing is left.
bool keep_nearer_than(std::vector<MailHost>& hosts, std::string_view own_name);

// Which addresses are asked for, and which stand first.
enum class Families { both, ipv4_first, ipv4, ipv6 };
// Whether 127.0.0.0/8 and ::1 count as addresses of a host: only where tests run.
enum class Loopback { skipped, allowed };

struct HostAddresses {
  std::vector<std::string> addresses;  // as text, in the order to try; never empty
  // DNSSEC vouches for every one of them.
  bool secure = false;
  std::chrono::seconds ttl{0};
};

// At most max_addresses; when there are more, each family keeps half of the room.  One family that
// cannot be asked does not spoil the other.  Addresses that no mail host can have (unspecified,
// link-local, multicast, reserved) are left out; private ones stay, for mail inside a house.
// Errors: not_found: no such host, or no address to use.  unavailable: DNS trouble.
[[nodiscard]] Task<Result<HostAddresses>> find_addresses(Resolver& resolver,  // NOLINT: outlives
                                                         std::string host, Families families,
                                                         Loopback loopback = Loopback::skipped);

// False for what no mail host can have, as told above.
bool is_usable_address(std::string_view address, Loopback loopback);

// The TLSA records of a mail host (RFC 7672 §2.2); none unless the DNS is secure all the way, which
// means: no DANE.  Otherwise TLS is required, even when no record can be used: one that cannot be
// read comes with usage 255, which nothing knows.  Each tells the base domain it was found under.
// Whether the MX record itself was secure is for the caller to mind (RFC 7672 §2.2.1).
// Errors: unavailable: the lookup failed, so the host must not be used now (RFC 7672 §2.1.2).
[[nodiscard]] Task<Result<std::vector<Tlsa>>> find_tlsa(Resolver& resolver,  // NOLINT: outlives
                                                        std::string host, std::uint16_t port);

}  // namespace todoke::dns
