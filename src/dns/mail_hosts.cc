#include "dns/mail_hosts.h"

#include "dns/name.h"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <random>
#include <set>
#include <utility>

namespace todoke::dns {

namespace {

using Status = Answer::Status;

bool is_localhost(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost") || name == "localhost.localdomain";
}

bool is_possible_host(std::string_view name) {
  return is_host_name(name) && !is_localhost(name);
}

// Puts hosts into the order to try them in, without those named before and those too many.  The
// shuffle is written out: the library's differs between libraries, and a seed should not.
void arrange(std::vector<MailHost>& hosts, std::uint64_t seed) {
  std::ranges::sort(hosts, {}, [](const MailHost& host) {
    return std::pair(host.preference, std::string_view(host.name));
  });
  std::set<std::string> seen;
  std::erase_if(hosts, [&](const MailHost& host) { return !seen.insert(host.name).second; });
  std::mt19937_64 random(seed);
  for (auto begin = hosts.begin(); begin != hosts.end();) {
    auto end = std::find_if(begin, hosts.end(),
                            [&](auto& host) { return host.preference != begin->preference; });
    for (auto rest = end - begin; rest > 1; --rest) {
      auto picked = static_cast<std::ptrdiff_t>(random() % static_cast<std::uint64_t>(rest));
      std::swap(begin[rest - 1], begin[picked]);
    }
    begin = end;
  }
  if (hosts.size() > max_mail_hosts) hosts.resize(max_mail_hosts);
}

// The hosts that MX records name.
Result<MailHosts> read_mx(const Answer& answer, std::uint64_t seed) {
  MailHosts found{.secure = answer.secure, .ttl = answer.ttl};
  for (const auto& record : answer.records) {
    auto mx = parse_mx(record);
    if (!mx) continue;
    if (mx->host.empty() && answer.records.size() == 1)
      return fail(Errc::denied, fmt::format("{} takes no mail (null MX)", answer.name));
    if (is_possible_host(mx->host)) found.hosts.push_back({mx->preference, std::move(mx->host)});
  }
  if (found.hosts.empty())
    return fail(Errc::not_found, fmt::format("no MX record of {} names a host", answer.name));
  arrange(found.hosts, seed);
  return found;
}

// Whether the host has an address of any family, as one answer.
Task<Result<Answer>> find_any_address(Resolver& resolver, std::string host) {  // NOLINT: outlives
  auto ipv4 = co_await resolver.resolve(host, Type::a);
  if (ipv4 && ipv4->status != Status::no_data) co_return ipv4;
  auto ipv6 = co_await resolver.resolve(host, Type::aaaa);
  if (!ipv4 && ipv6 && ipv6->status == Status::no_data) co_return ipv4;
  co_return ipv6;
}

// RFC 5321 §5.1: without MX records, the domain is its own host of preference 0.
Task<Result<MailHosts>> find_implicit(Resolver& resolver, Answer mx) {  // NOLINT: outlives
  CO_TRY(auto address, co_await find_any_address(resolver, mx.name));
  if (address.status != Status::found || !is_possible_host(mx.name))
    co_return fail(Errc::not_found, fmt::format("{} has neither MX nor address", mx.name));
  MailHosts found{.secure = mx.secure, .implicit = true, .ttl = std::min(mx.ttl, address.ttl)};
  found.hosts.push_back({0, std::move(mx.name)});
  co_return found;
}

}  // namespace

Task<Result<MailHosts>> find_mail_hosts(Resolver& resolver, std::string domain,  // NOLINT: outlives
                                        std::uint64_t seed) {
  auto name = domain_to_ask(domain);
  if (!name) co_return fail(Errc::not_found, name.error().text);
  CO_TRY(auto mx, co_await resolver.resolve(*name, Type::mx));
  if (mx.status == Status::no_name)
    co_return fail(Errc::not_found, fmt::format("{} does not exist", mx.name));
  if (mx.status == Status::found) co_return read_mx(mx, seed);
  co_return co_await find_implicit(resolver, std::move(mx));
}

bool keep_nearer_than(std::vector<MailHost>& hosts, std::string_view own_name) {
  auto own = normal_name(own_name);
  auto ours = std::ranges::find_if(hosts, [&](auto& host) { return own && host.name == *own; });
  if (ours == hosts.end()) return !hosts.empty();
  const auto limit = ours->preference;
  std::erase_if(hosts, [&](const MailHost& host) { return host.preference >= limit; });
  return !hosts.empty();
}

namespace {

bool is_usable_ipv4(const unsigned char* bytes, Loopback loopback) {
  if (bytes[0] == 127) return loopback == Loopback::allowed;
  const bool is_link_local = bytes[0] == 169 && bytes[1] == 254;
  return bytes[0] != 0 && bytes[0] < 224 && !is_link_local;
}

bool is_usable_ipv6(const std::array<unsigned char, 16>& bytes, Loopback loopback) {
  const bool zeros = std::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; });
  const bool is_mapped = zeros && bytes[10] == 255 && bytes[11] == 255;
  if (is_mapped) return is_usable_ipv4(bytes.data() + 12, loopback);
  if (zeros && std::all_of(bytes.begin() + 10, bytes.end() - 1, [](auto b) { return b == 0; }))
    return bytes[15] == 1 && loopback == Loopback::allowed;
  const bool is_link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  return bytes[0] != 0xff && !is_link_local;
}

// The addresses of one answer that a mail host can have.
std::vector<std::string> usable_addresses(const Answer& answer, Loopback loopback) {
  std::vector<std::string> usable;
  for (const auto& record : answer.records) {
    if (usable.size() == max_addresses) break;
    auto address = parse_address(record);
    if (address && is_usable_address(*address, loopback)) usable.push_back(*std::move(address));
  }
  return usable;
}

std::vector<Type> types_of(Families families) {
  switch (families) {
    case Families::both:
      return {Type::aaaa, Type::a};
    case Families::ipv4_first:
      return {Type::a, Type::aaaa};
    case Families::ipv4:
      return {Type::a};
    case Families::ipv6:
      return {Type::aaaa};
  }
  return {};
}

// Adds the addresses of another family: where they do not all fit, each keeps half of the room, and
// what the other leaves of its half.
void add_family(std::vector<std::string>& addresses, std::vector<std::string> others) {
  constexpr auto half = max_addresses / 2;
  const auto room = max_addresses - std::min(others.size(), half);
  if (addresses.size() > room) addresses.resize(room);
  others.resize(std::min(others.size(), max_addresses - addresses.size()));
  std::ranges::move(others, std::back_inserter(addresses));
}

}  // namespace

bool is_usable_address(std::string_view address, Loopback loopback) {
  const std::string text(address);
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return is_usable_ipv4(bytes.data(), loopback);
  return inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1 && is_usable_ipv6(bytes, loopback);
}

Task<Result<HostAddresses>> find_addresses(Resolver& resolver,  // NOLINT: outlives
                                           std::string host, Families families, Loopback loopback) {
  HostAddresses found{.secure = true, .ttl = std::chrono::seconds::max()};
  Error trouble{Errc::not_found, fmt::format("{} has no address", host)};
  for (auto type : types_of(families)) {
    auto answer = co_await resolver.resolve(host, type);
    if (!answer) {
      trouble = std::move(answer).error();
      continue;
    }
    if (answer->status == Status::no_name) break;
    auto addresses = usable_addresses(*answer, loopback);
    if (addresses.empty()) continue;
    found.secure &= answer->secure;
    found.ttl = std::min(found.ttl, answer->ttl);
    add_family(found.addresses, std::move(addresses));
  }
  if (found.addresses.empty()) co_return std::unexpected(std::move(trouble));
  co_return found;
}

namespace {

// The names that TLSA records of a host may stand under, the best first (RFC 7672 §2.2.2): where
// its addresses securely lead, then the host's own name.  None: no DANE for this host.
Task<Result<std::vector<std::string>>> find_tlsa_bases(Resolver& resolver,  // NOLINT: outlives
                                                       std::string host) {
  CO_TRY(auto address, co_await find_any_address(resolver, host));
  std::vector<std::string> bases;
  if (address.status != Status::found) co_return bases;
  if (address.secure) bases.push_back(address.name);
  if (address.name == host) co_return bases;
  if (!address.secure) {
    // The alias may lead out of the secure part of the DNS; what stands at its begin counts then.
    CO_TRY(auto alias, co_await resolver.resolve(host, Type::cname));
    if (alias.status != Status::found || !alias.secure) co_return bases;
  }
  bases.push_back(std::move(host));
  co_return bases;
}

std::vector<Tlsa> read_tlsa(const Answer& answer, const std::string& base) {
  std::vector<Tlsa> read;
  for (const auto& record : answer.records) {
    auto tlsa = parse_tlsa(record).value_or(Tlsa{.usage = 255});
    tlsa.base = base;
    read.push_back(std::move(tlsa));
  }
  return read;
}

}  // namespace

Task<Result<std::vector<Tlsa>>> find_tlsa(Resolver& resolver, std::string host,  // NOLINT: outlives
                                          std::uint16_t port) {
  CO_TRY(auto name, normal_name(host));
  CO_TRY(auto bases, co_await find_tlsa_bases(resolver, std::move(name)));
  std::vector<Tlsa> none;
  for (const auto& base : bases) {
    auto owner = normal_name(fmt::format("_{}._tcp.{}", port, base));
    if (!owner) continue;  // too long to exist
    CO_TRY(auto answer, co_await resolver.resolve(*owner, Type::tlsa));
    if (answer.status == Status::found && answer.secure) co_return read_tlsa(answer, base);
  }
  co_return none;
}

}  // namespace todoke::dns
