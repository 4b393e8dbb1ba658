#include "queue/connector.h"

#include "base/log.h"

#include <fmt/format.h>

#include <algorithm>

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
bool asks_next(const NoConnection& none) {
  return none.ending.breakdown != smtp::Breakdown::none || none.only_unproven;
}

bool is_enforced(const Route& route) {
  return route.sts && route.sts->mode == trust::MtaStsPolicy::Mode::enforce;
}

// Whether somebody we trust says that this is a server of the domain (RFC 8689 §4.2.1 step 2).
bool is_vouched_for(const Route& route, const std::string& host) {
  bool is_smarthost = route.domain.empty();
  return is_smarthost || route.is_secure || (route.sts && trust::names_mx(*route.sts, host));
}

bool is_verified(const net::TlsInfo* tls) {
  return tls != nullptr && tls->verified != net::TlsInfo::Verified::none;
}

smtp::Ending tls_ending(std::string text) {
  return {
      .stage = smtp::Stage::starttls, .breakdown = smtp::Breakdown::tls, .text = std::move(text)};
}

// RFC 7672 §2.2: others are as good as none, but that TLS is needed.
bool can_be_used(const dns::Tlsa& record) {
  return record.usage == 2 || record.usage == 3;
}

// RFC 8461 §5: in mode testing a failure is told, and mail is sent all the same.
void tell_test(const Route& route, const std::string& host, const Connector::Answer& answer) {
  if (!route.sts || route.sts->mode != trust::MtaStsPolicy::Mode::testing) return;
  std::string why;
  if (!trust::names_mx(*route.sts, host))
    why = "the policy does not name this server";
  else if (!answer && answer.error().ending.stage == smtp::Stage::starttls)
    why = answer.error().ending.text;
  else if (!answer || is_verified(answer->client->tls()))
    return;
  else if (const auto* tls = answer->client->tls())
    why = tls->why_not.empty() ? "nothing vouches for the certificate" : tls->why_not;
  else
    why = "without TLS: " + answer->record.tls;
  log::info("queue.sts_would_fail", {{"domain", route.domain}, {"host", host}, {"error", why}});
}

// The worst that was met, for those who have no connection.
class Worst {
 public:
  void met(NoConnection none) {
    all_lack_requiretls_ = all_lack_requiretls_ && none.ending.reply && none.only_unproven;
    auto rank = none.only_unproven ? 2 : 1;
    if (rank < rank_) return;
    rank_ = rank;
    none_ = std::move(none);
  }
  // Counts only where nothing else was met.
  void passed_over(NoConnection none) {
    all_lack_requiretls_ = false;
    if (!none_) none_ = std::move(none);
  }
  std::optional<NoConnection> take() {
    if (none_ && none_->only_unproven && none_->ending.reply && !all_lack_requiretls_) {
      // Another server may offer what this one does not.
      none_->ending = tls_ending(none_->ending.reply->lines.front());
    }
    return std::move(none_);
  }

 private:
  int rank_ = 0;
  bool all_lack_requiretls_ = true;
  std::optional<NoConnection> none_;
};

}  // namespace

Task<Connector::Answer> Connector::open(Route route, std::string provider, Protection protection) {
  auto record_of = [&](const std::string& host) {
    return ConnectionRecord{.id = parts_.ids.next(),
                            .begun_at = parts_.clock.now(),
                            .provider = provider,
                            .host = host};
  };
  Worst worst;
  std::size_t tried = 0;
  for (const auto& host : route.hosts) {
    if (tried >= max_addresses) break;
    auto found = co_await dns::find_addresses(parts_.resolver, host.name, parts_.options.families,
                                              parts_.options.loopback);
    if (!found) {
      smtp::Ending ending{.stage = smtp::Stage::dns,
                          .breakdown = smtp::Breakdown::dns,
                          .text = host.name + ": " + found.error().text};
      worst.passed_over({.record = record_of(host.name), .ending = std::move(ending)});
      continue;
    }
    auto wanted = co_await demand(route, host.name, found->secure, protection);
    if (!wanted) {
      worst.passed_over({.record = record_of(host.name),
                         .ending = std::move(wanted.error().ending),
                         .only_unproven = wanted.error().only_unproven});
      continue;
    }
    auto addresses = found->addresses;
    if (addresses.size() > addresses_of_a_host) addresses.resize(addresses_of_a_host);
    for (const auto& address : addresses) {
      if (tried++ >= max_addresses) break;
      auto answer = co_await open_host(route, provider, host.name, address, *wanted, protection);
      if (answer || !asks_next(answer.error())) co_return std::move(answer);
      worst.met(std::move(answer).error());
    }
  }
  auto none = worst.take();
  if (none) co_return std::unexpected(*std::move(none));
  smtp::Ending ending{.stage = smtp::Stage::dns,
                      .breakdown = smtp::Breakdown::dns,
                      .text = "no server of this domain has an address"};
  co_return std::unexpected(NoConnection{.record = record_of(""), .ending = std::move(ending)});
}

// RFC 7672 §2.2: with TLSA records TLS is needed, and they say whose.  Without any that can be used
// an MTA-STS policy counts (RFC 8461 §2: it never overrides DANE), and without that TLS is used
// when it is offered.
Task<std::expected<Connector::Demand, Connector::PassedOver>> Connector::demand(
    Route route, std::string host, bool is_address_secure, Protection protection) {
  using Need = smtp::TlsPolicy::Need;
  const bool enforced = is_enforced(route), proven = protection == Protection::proven;
  Demand wanted{.policy = {.need = route.tls}};
  auto& policy = wanted.policy;
  policy.expectation.server_name = host;
  if (!parts_.tls) {
    policy.need = Need::never;
    if (!enforced && !proven) co_return wanted;
    co_return std::unexpected(
        PassedOver{tls_ending("TLS is needed, and we cannot have any"), !enforced});
  }
  std::vector<dns::Tlsa> records;
  if (route.is_secure && is_address_secure) {
    auto found = co_await dns::find_tlsa(parts_.resolver, host, route.port);
    if (!found) {
      smtp::Ending ending{.stage = smtp::Stage::dns,
                          .breakdown = smtp::Breakdown::dns,
                          .text = std::move(found.error().text)};
      co_return std::unexpected(PassedOver{std::move(ending)});
    }
    records = *std::move(found);
  }
  if (!records.empty() && (std::ranges::any_of(records, can_be_used) || (!enforced && !proven))) {
    policy.need = Need::required;
    policy.expectation.verify = net::TlsExpectation::Verify::dane;
    for (auto& record : records) {
      policy.expectation.server_name = record.base;
      policy.expectation.tlsa.push_back(
          {record.usage, record.selector, record.matching, std::move(record.data)});
    }
    co_return wanted;
  }
  // A smarthost that is to have TLS is to be the one that was meant: it gets our password.
  bool is_smarthost = route.domain.empty() && route.tls != Need::opportunistic;
  if (is_smarthost) policy.expectation.verify = net::TlsExpectation::Verify::web_pki;
  if (!enforced && !proven) co_return wanted;
  if (enforced && !trust::names_mx(*route.sts, host))
    co_return std::unexpected(PassedOver{tls_ending(
        fmt::format("the MTA-STS policy of {} does not name its server {}", route.domain, host))});
  if (proven && !is_vouched_for(route, host)) {
    auto ending = tls_ending(
        fmt::format("the message requires TLS, and neither DNSSEC nor MTA-STS says that {} is a "
                    "server of {}",
                    host, route.domain));
    co_return std::unexpected(PassedOver{std::move(ending), true});
  }
  wanted.is_raised = !enforced && records.empty();
  if (policy.need != Need::implicit) policy.need = Need::required;
  policy.expectation.verify = net::TlsExpectation::Verify::web_pki;
  co_return wanted;
}

Task<Connector::Answer> Connector::open_host(Route route, std::string provider, std::string host,
                                             std::string address, Demand demand,
                                             Protection protection) {
  const auto need = demand.policy.need;
  auto answer = co_await open_at(route, provider, host, address, std::move(demand.policy));
  tell_test(route, host, answer);
  bool fell_short = !answer && answer.error().ending.stage == smtp::Stage::starttls;
  if (fell_short && need == smtp::TlsPolicy::Need::opportunistic) {
    // Without protection rather than not at all, as nothing promised it (RFC 7435 §3).
    smtp::TlsPolicy plain{.need = smtp::TlsPolicy::Need::never};
    auto why = answer.error().ending.text;
    answer = co_await open_at(route, provider, host, address, plain);
    if (answer) answer->record.tls = "none: " + why;
  }
  if (!answer) {
    answer.error().only_unproven = fell_short && demand.is_raised;
    co_return answer;
  }
  auto& client = *answer->client;
  bool verified = is_verified(client.tls());
  answer->is_proven = verified && is_vouched_for(route, host) && client.offer().require_tls;
  bool proven = protection == Protection::as_routed || answer->is_proven;
  if (proven && (verified || !is_enforced(route))) co_return answer;
  // A TLSA record of the right kind may turn out to be of no use after all.
  smtp::Ending ending = tls_ending("nothing vouches for the server's certificate");
  if (verified) {
    ending = {.stage = smtp::Stage::mail,
              .reply = smtp::make_reply(550, {5, 7, 30}, "The server does not offer REQUIRETLS")};
  }
  co_await client.quit();
  co_return std::unexpected(NoConnection{.record = std::move(answer->record),
                                         .ending = std::move(ending),
                                         .dialogue = client.take_dialogue(),
                                         .only_unproven = verified || !is_enforced(route)});
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
    co_return std::unexpected(
        NoConnection{.record = std::move(record), .ending = std::move(ending)});
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
  co_return std::unexpected(NoConnection{.record = std::move(connection.record),
                                         .ending = std::move(opened).error(),
                                         .dialogue = connection.client->take_dialogue()});
}

}  // namespace todoke::queue
