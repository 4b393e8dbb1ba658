#include "queue/connector.h"

#include <fmt/format.h>

namespace todoke::queue {
namespace {

constexpr std::size_t max_addresses = 6;
constexpr std::size_t addresses_of_a_host = 2;

smtp::Breakdown to_breakdown(net::DialFailure::Kind kind) {
  using Kind = net::DialFailure::Kind;
  switch (kind) {
    case Kind::refused:
      return smtp::Breakdown::refused;
    case Kind::reset:
      return smtp::Breakdown::reset;
    case Kind::timed_out:
      return smtp::Breakdown::timed_out;
    case Kind::unreachable:
    case Kind::other:
      return smtp::Breakdown::unreachable;
  }
  return smtp::Breakdown::unreachable;
}

std::string describe_tls(const net::TlsInfo* tls, const smtp::Client& client) {
  if (tls == nullptr) return client.tls_refusal() ? "none: STARTTLS was refused" : "";
  using Verified = net::TlsInfo::Verified;
  if (tls->verified == Verified::dane) return tls->version + " dane";
  if (tls->verified == Verified::web_pki) return tls->version + " verified";
  return tls->version + " unverified";
}

// Another server of the site may do what this one did not.
bool asks_next(const smtp::Ending& ending) {
  return ending.breakdown != smtp::Breakdown::none;
}

}  // namespace

Task<Connector::Answer> Connector::open(Route route, std::string provider) {
  NoConnection last{
      .record = {.id = parts_.ids.next(), .begun_at = parts_.clock.now(), .provider = provider},
      .ending = {.stage = smtp::Stage::dns,
                 .breakdown = smtp::Breakdown::dns,
                 .text = "no server of this domain has an address"}};
  std::size_t tried = 0;
  for (const auto& host : route.hosts) {
    if (tried >= max_addresses) break;
    auto found = co_await dns::find_addresses(parts_.resolver, host.name, parts_.options.families,
                                              parts_.options.loopback);
    if (!found) {
      if (tried == 0) {
        last.record.host = host.name;
        last.ending.text = host.name + ": " + found.error().text;
      }
      continue;
    }
    auto policy = co_await tls_policy(route, host.name, found->secure);
    if (!policy) {
      last.record.host = host.name;
      last.ending = {.stage = smtp::Stage::dns,
                     .breakdown = smtp::Breakdown::dns,
                     .text = policy.error().text};
      continue;
    }
    auto addresses = found->addresses;
    if (addresses.size() > addresses_of_a_host) addresses.resize(addresses_of_a_host);
    for (const auto& address : addresses) {
      if (tried++ >= max_addresses) break;
      auto answer = co_await open_at(route, provider, host.name, address, *policy);
      bool fell_short = !answer && answer.error().ending.stage == smtp::Stage::starttls &&
                        policy->need == smtp::TlsPolicy::Need::opportunistic;
      if (fell_short) {
        // Without protection rather than not at all, as nothing promised it (RFC 7435 §3).
        smtp::TlsPolicy plain{.need = smtp::TlsPolicy::Need::never};
        auto why = answer.error().ending.text;
        answer = co_await open_at(route, provider, host.name, address, plain);
        if (answer) answer->record.tls = "none: " + why;
      }
      if (answer || !asks_next(answer.error().ending)) co_return std::move(answer);
      last = std::move(answer).error();
    }
  }
  co_return std::unexpected(std::move(last));
}

// RFC 7672 §2.2: with TLSA records TLS is needed, and they say whose; without any it is used when
// it is offered.
Task<Result<smtp::TlsPolicy>> Connector::tls_policy(Route route, std::string host,
                                                    bool is_address_secure) {
  smtp::TlsPolicy policy{.need = route.tls};
  policy.expectation.server_name = host;
  if (!parts_.tls) {
    policy.need = smtp::TlsPolicy::Need::never;
    co_return policy;
  }
  if (!route.is_secure || !is_address_secure) co_return policy;
  auto records = co_await dns::find_tlsa(parts_.resolver, host, route.port);
  if (!records) co_return std::unexpected(std::move(records).error());
  if (records->empty()) co_return policy;
  policy.need = smtp::TlsPolicy::Need::required;
  policy.expectation.verify = net::TlsExpectation::Verify::dane;
  for (auto& record : *records) {
    policy.expectation.server_name = record.base;
    policy.expectation.tlsa.push_back(
        {record.usage, record.selector, record.matching, std::move(record.data)});
  }
  co_return policy;
}

Task<Connector::Answer> Connector::open_at(Route route, std::string provider, std::string host,
                                           std::string address, smtp::TlsPolicy policy) {
  const auto& options = parts_.options;
  ConnectionRecord record{.id = parts_.ids.next(),
                          .begun_at = parts_.clock.now(),
                          .provider = std::move(provider),
                          .host = std::move(host),
                          .address = address};
  net::Destination destination{.address = std::move(address),
                               .port = route.port,
                               .from = options.source,
                               .timeout = options.connect_timeout};
  auto stream = co_await parts_.dialer.dial(std::move(destination));
  if (!stream) {
    auto& failure = stream.error();
    smtp::Ending ending{.stage = smtp::Stage::connect,
                        .breakdown = to_breakdown(failure.kind),
                        .text = failure.text};
    co_return std::unexpected(NoConnection{std::move(record), std::move(ending), {}});
  }
  Connection connection{.record = std::move(record), .stream = *std::move(stream)};
  connection.record.source = connection.stream->peer().local_address;
  smtp::ClientOptions client_options{.clock = parts_.clock,
                                     .helo = options.helo,
                                     .timeouts = options.timeouts,
                                     .tls = parts_.tls,
                                     .policy = std::move(policy),
                                     .login = route.login,
                                     .pool = &parts_.pool};
  connection.client = std::make_unique<smtp::Client>(*connection.stream, std::move(client_options));
  auto opened = co_await connection.client->open();
  connection.record.tls = describe_tls(connection.client->tls(), *connection.client);
  if (opened) co_return connection;
  co_await connection.client->quit();
  co_return std::unexpected(NoConnection{std::move(connection.record), std::move(opened).error(),
                                         connection.client->take_dialogue()});
}

}  // namespace todoke::queue
