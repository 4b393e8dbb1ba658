#include "provsim/provider.h"

#include "base/ascii.h"
#include "provsim/bounce.h"

#include <algorithm>

namespace todoke::provsim {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_latency = microseconds(10min);

std::uint64_t fnv(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325ull;
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001B3ull;
  return hash;
}

// The value of the first field of that name, without its line end.
std::string field(std::string_view head, std::string_view name) {
  while (!head.empty()) {
    auto end = std::min(head.find("\r\n"), head.size());
    auto line = head.substr(0, end);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        ascii::equal_ignoring_case(line.substr(0, name.size()), name))
      return std::string(ascii::trim(line.substr(name.size() + 1)));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return "";
}

std::string_view head_of(std::string_view text) {
  auto end = text.find("\r\n\r\n");
  return text.substr(0, end == text.npos ? text.size() : end + 2);
}

bool concerns(const std::string& pattern, std::span<const std::string> recipients) {
  if (pattern.empty()) return true;
  return std::ranges::any_of(recipients, [&](const auto& one) { return fits(pattern, one); });
}

}  // namespace

Provider::Provider(const ProviderScript& script, std::uint64_t seed, Time start, Ledger& ledger)
    : script_(script), random_(seed ^ fnv(script.id)), start_(start), ledger_(ledger) {}

const Phase& Provider::phase(Time now) const {
  const auto* current = &script_.phases.front();
  for (const auto& phase : script_.phases)
    if (start_ + phase.from <= now) current = &phase;
  return *current;
}

bool Provider::offers(std::string_view extension) const {
  return std::ranges::any_of(script_.offers, [&](const std::string& line) {
    return ascii::equal_ignoring_case(line.substr(0, line.find(' ')), extension);
  });
}

bool Provider::serves(std::string_view domain) const {
  return std::ranges::any_of(script_.domains, [&](const std::string& own) {
    return ascii::equal_ignoring_case(own, domain);
  });
}

Act Provider::call(const std::string& peer, Time now) {
  const auto& rules = phase(now);
  auto& count = connections_[peer];
  tally().calls.push_back(now);
  Act act;
  if (rules.connections && count >= rules.connections->most)
    act = rules.connections->act;
  else if (rules.overload && is_overloaded(peer, *rules.overload, now))
    act = rules.overload->act;
  else
    act = decide(Stage::connect, {}, now);
  using Kind = Act::Kind;
  if (act.kind == Kind::refuse || act.kind == Kind::timeout) {
    ++tally().refusals[act.kind == Kind::refuse ? "(refused)" : "(timeout)"];
    return act;
  }
  ++count;
  int all = 0;
  for (const auto& [whose, many] : connections_) all += many;
  tally().most_connections = std::max(tally().most_connections, all);
  return act;
}

void Provider::left(const std::string& peer) {
  --connections_[peer];
}

bool Provider::is_overloaded(const std::string& peer, const Overload& limit, Time now) {
  auto& recent = accepted_[peer];
  while (!recent.empty() && recent.front() + limit.within < now) recent.pop_front();
  return static_cast<int>(recent.size()) >= limit.most;
}

Act Provider::decide(Stage stage, std::span<const std::string> recipients, Time now) {
  for (const auto& rule : phase(now).rules) {
    if (rule.stage != stage || !concerns(rule.to, recipients)) continue;
    if (random_.happens(rule.chance)) return rule.act;
  }
  return {};
}

microseconds Provider::latency(Stage stage, Time now) {
  const auto& spread = phase(now).latency;
  auto found = spread.find(stage);
  if (found == spread.end()) return microseconds(0);
  if (found->second.kind == Latency::Kind::fixed) return found->second.time;
  auto time = static_cast<double>(found->second.time.count());
  auto part = 1 - random_.part();  // above 0
  if (found->second.kind == Latency::Kind::exponential) time *= -std::log(part);
  // Its mean is three times its least, and one of a thousand takes a hundred times that.
  if (found->second.kind == Latency::Kind::pareto) time *= std::pow(part, -1 / 1.5);
  return std::min(microseconds(static_cast<std::int64_t>(time)), longest_latency);
}

bool Provider::is_greylisted(const std::string& peer, const std::string& sender,
                             const std::string& recipient, Time now) {
  auto wait = phase(now).greylist;
  if (!wait) return false;
  auto first = first_seen_.try_emplace(peer + " " + sender + " " + recipient, now).first->second;
  return now < first + *wait;
}

std::size_t Provider::accept(const std::string& peer, const std::string& reverse_path,
                             std::span<const std::string> recipients, std::string_view text,
                             Time now) {
  const auto& rules = phase(now);
  accepted_[peer].push_back(now);
  auto head = head_of(text);
  Receipt receipt{.provider = script_.id,
                  .reverse_path = reverse_path,
                  .message_id = field(head, "Message-ID"),
                  .at = now,
                  .hash = fnv(text)};
  if (receipt.message_id.empty()) ++ledger_.faults["no Message-ID"];
  auto begin = ledger_.receipts.size();
  for (const auto& recipient : recipients) {
    receipt.recipient = recipient;
    receipt.fate = Fate::delivered;
    for (const auto& discard : rules.discards)
      if (concerns(discard.to, {&recipient, 1}) && random_.happens(discard.chance))
        receipt.fate = Fate::discarded;
    for (const auto& bounce : rules.bounces) {
      if (receipt.fate != Fate::delivered || !concerns(bounce.to, {&recipient, 1})) continue;
      if (!random_.happens(bounce.chance)) continue;
      receipt.fate = Fate::bounced;
      auto due = now + bounce.after;
      ledger_.bounces.push_back(
          {due, reverse_path, bounce_text(bounce.format, receipt, std::string(head), due)});
    }
    ledger_.receipts.push_back(receipt);
  }
  return begin;
}

Providers::Providers(Script script, Time start) : script_(std::move(script)) {
  for (const auto& one : script_.providers) {
    auto provider = std::make_unique<Provider>(one, script_.seed, start, ledger_);
    for (const auto& host : one.hosts)
      for (const auto& address : host.addresses) by_address_[address] = provider.get();
    providers_.push_back(std::move(provider));
  }
}

Provider* Providers::at(std::string_view address) {
  auto found = by_address_.find(address);
  return found == by_address_.end() ? nullptr : found->second;
}

}  // namespace todoke::provsim
