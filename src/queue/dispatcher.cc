#include "queue/dispatcher.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

constexpr auto first_pause = std::chrono::seconds(30);
constexpr auto longest_pause = std::chrono::seconds(15min);
// Sites nobody is routed to any more are forgotten when there are so many.
constexpr std::size_t kept_sites = 1000;

// What is paced together, when no provider is known.
std::string servers_of(const std::string& domain, const Route& route) {
  if (!route.dead_end.empty()) return "dead end: " + domain;
  std::vector<std::string> names;
  for (const auto& host : route.hosts) names.push_back(host.name);
  std::ranges::sort(names);
  return fmt::format("{} {}:{}", route.provider->id, fmt::join(names, ","), route.port);
}

// A profile for those of whom nothing is known: they have only their kind in common, such as the
// end of their domain.
// Domains with the same servers share connections only where they ask the same of them: neither
// DNSSEC nor an MTA-STS policy of one domain vouches for the servers of another.
std::string key_of(const std::string& servers, const Route& route) {
  auto key = servers;
  if (route.is_secure) key += " dnssec";
  if (!route.sts || route.sts->mode == trust::MtaStsPolicy::Mode::none) return key;
  auto patterns = fmt::format("{}", fmt::join(route.sts->mx, ","));
  bool is_enforced = route.sts->mode == trust::MtaStsPolicy::Mode::enforce;
  return key + (is_enforced ? " sts " : " sts testing ") + hex_encode(crypto::sha256(patterns));
}

bool is_generic(const provider::Provider& provider) {
  return provider.mx_suffixes.empty();
}

}  // namespace

void Pause::failed(Steady begun, Steady now) {
  if (begun < heard_) return;
  heard_ = now;
  auto doublings = std::min(failures_++, 10);
  until_ = now + std::min<std::chrono::seconds>(first_pause * (1 << doublings), longest_pause);
}

Steady Dispatcher::steady(Time time) const {
  return clock_.steady() + (time - clock_.now());
}

std::string smarthost_name(std::int64_t organisation_id) {
  return fmt::format("smarthost:{}", organisation_id);
}

std::optional<std::int64_t> parse_smarthost_name(std::string_view name) {
  constexpr std::string_view prefix = "smarthost:";
  if (!name.starts_with(prefix)) return {};
  std::int64_t id = 0;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), id);
  return id;
}

void Dispatcher::set_smarthosts(std::set<std::int64_t> organisations) {
  if (organisations == smarthosts_) return;
  // Lines change their destination only while nothing of them is in flight: those that are not at
  // rest keep it until the next start.
  std::vector<std::pair<LineKey, Time>> moved;
  std::vector<Line*> at_rest;
  for (auto& [name, destination] : destinations_)
    for (auto& [key, line] : destination->lines)
      if (line.due && line.taken.empty() && !line.is_loading) at_rest.push_back(&line);
  for (auto* line : at_rest) {
    moved.emplace_back(line->key, *line->due);
    rests(*line, std::nullopt);
  }
  smarthosts_ = std::move(organisations);
  for (const auto& [key, due] : moved) waits(key, due);
}

std::string Dispatcher::name_of(const LineKey& key) const {
  if (smarthosts_.empty()) return key.domain;
  if (smarthosts_.contains(key.organisation_id)) return smarthost_name(key.organisation_id);
  return smarthosts_.contains(0) ? smarthost_name(0) : key.domain;
}

Line& Dispatcher::line(const LineKey& key) {
  auto name = name_of(key);
  auto& destination = destinations_[name];
  if (!destination) {
    destination = std::make_unique<Destination>();
    destination->name = name;
  }
  auto [found, is_new] = destination->lines.try_emplace(key);
  if (is_new) {
    found->second.key = key;
    found->second.destination = name;
    ++lines_;
  }
  return found->second;
}

void Dispatcher::schedule(Line& line, Steady when) {
  unschedule(line);
  line.timer = when;
  timers_.emplace(when, &line);
}

void Dispatcher::unschedule(Line& line) {
  if (!line.timer) return;
  timers_.erase({*line.timer, &line});
  line.timer.reset();
}

void Dispatcher::waits(const LineKey& key, Time due) {
  auto& waiting = line(key);
  ++waiting.news;
  if (!waiting.due || due < *waiting.due) waiting.due = due;
  if (waiting.is_ready || held_.contains(&waiting)) return;
  auto when = steady(*waiting.due);
  if (!waiting.timer || when < *waiting.timer) schedule(waiting, when);
}

void Dispatcher::lift_pauses(const LineKey& key) {
  auto found = destinations_.find(name_of(key));
  if (found == destinations_.end()) return;
  auto& destination = *found->second;
  destination.pause.succeeded();
  if (destination.site != nullptr) {
    destination.site->pause.succeeded();
    destination.site->target->pacer.lift_pause();
    destination.site->target->organisations.erase(key.organisation_id);
  }
  // Timers were set for the ends of those pauses.
  if (auto waiting = destination.lines.find(key); waiting != destination.lines.end())
    if (waiting->second.timer) schedule(waiting->second, clock_.steady());
}

void Dispatcher::set_holds(Holds holds) {
  holds_ = std::move(holds);
  auto held = std::exchange(held_, {});
  for (auto* one : held) schedule(*one, clock_.steady());
}

void Dispatcher::tick() {
  auto now = clock_.steady();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto& due = *timers_.begin()->second;
    unschedule(due);
    place(due);
  }
}

void Dispatcher::place(Line& line) {
  auto& destination = destination_of(line);
  auto now = clock_.steady();
  if (destination.pause.until() > now) return schedule(line, destination.pause.until());
  if (destination.site == nullptr || destination.valid_until <= now) {
    // It comes again when the route is known.
    if (destination.is_resolving) return;
    destination.is_resolving = true;
    to_resolve_.push_back(destination.name);
    return;
  }
  auto& site = *destination.site;
  if (holds_.current(site.target->provider->id, line.key.organisation_id) != nullptr) {
    held_.insert(&line);
    return;
  }
  auto pause = site.pause.until();
  auto own = site.target->organisations.find(line.key.organisation_id);
  if (own != site.target->organisations.end()) pause = std::max(pause, own->second.until());
  if (pause > now) return schedule(line, pause);
  site.turn.add(line);
  ready_.insert(&site);
  ring(site);
}

void Dispatcher::ring(Site& site) {
  for (auto* idler : site.idlers) idler->ring();
}

void Dispatcher::ring_all() {
  for (auto& [key, site] : sites_) ring(*site);
}

std::optional<std::string> Dispatcher::next_to_resolve() {
  if (to_resolve_.empty()) return {};
  auto domain = std::move(to_resolve_.front());
  to_resolve_.pop_front();
  return domain;
}

Site& Dispatcher::site_of(const std::string& name, Route route) {
  auto servers = servers_of(name, route);
  auto key = key_of(servers, route);
  auto& site = sites_[key];
  if (!site) {
    site = std::make_unique<Site>();
    site->key = key;
    const auto& provider = *route.provider;
    const auto& whole = is_generic(provider) ? servers : provider.id;
    auto& target = targets_[whole];
    if (!target)
      target = std::make_unique<Target>(whole, &provider, Pacer(provider.limits, clock_.steady()));
    site->target = target.get();
    ++target->sites;
  }
  site->route = std::move(route);
  return *site;
}

void Dispatcher::leave_site(Destination& destination) {
  if (destination.site == nullptr) return;
  for (auto& [key, line] : destination.lines) destination.site->turn.remove(line);
  if (destination.site->turn.empty()) ready_.erase(destination.site);
  --destination.site->destinations;
  destination.site = nullptr;
}

void Dispatcher::set_route(const std::string& name, Route route, std::chrono::seconds valid) {
  auto found = destinations_.find(name);
  if (found == destinations_.end()) return;
  auto& destination = *found->second;
  destination.is_resolving = false;
  destination.trouble.clear();
  destination.pause.succeeded();
  auto& site = site_of(name, std::move(route));
  if (destination.site != &site) {
    leave_site(destination);
    destination.site = &site;
    ++site.destinations;
  }
  destination.valid_until = clock_.steady() + valid;
  for (auto& [key, line] : destination.lines)
    if (line.due && !line.is_ready && !line.timer && !held_.contains(&line))
      schedule(line, steady(*line.due));
  if (!destination.lines.empty()) return;
  // Nobody waits any more.
  leave_site(destination);
  destinations_.erase(found);
}

void Dispatcher::no_route(const std::string& name, std::string why) {
  auto found = destinations_.find(name);
  if (found == destinations_.end()) return;
  auto& destination = *found->second;
  auto now = clock_.steady();
  destination.is_resolving = false;
  destination.trouble = std::move(why);
  destination.pause.failed(now, now);
  for (auto& [key, line] : destination.lines)
    if (line.due && !line.is_ready && !line.timer && !held_.contains(&line))
      schedule(line, destination.pause.until());
}

Steady Dispatcher::opens_at(const Site& site, Steady now) {
  auto opens = std::max(site.pause.until(), now);
  if (!site.route.dead_end.empty()) return opens;
  return std::max(opens, site.target->pacer.opens_at(now));
}

// The site with the fewest connections, those with something urgent first.
Site* Dispatcher::next_site() {
  auto now = clock_.steady();
  Site* best = nullptr;
  for (auto* site : ready_) site->target->crowd = Target::Crowd::none;
  for (auto* site : ready_) {
    auto& target = *site->target;
    if (opens_at(*site, now) > now) continue;
    if (!site->idlers.empty() || site->starting > 0 || site->loading > 0) continue;
    if (target.connections >= target.pacer.window(now)) {
      tell_crowd(*site);
      continue;
    }
    auto rank = [](const Site& one) { return std::pair(!one.turn.has_urgent(), one.connections); };
    if (best == nullptr || rank(*site) < rank(*best)) best = site;
  }
  if (best == nullptr) return nullptr;
  ++best->target->connections;
  ++best->connections;
  ++best->starting;
  return best;
}

// A site that has no connection, and can have none because others use them all.
void Dispatcher::tell_crowd(Site& waiting) {
  if (waiting.connections > 0) return;
  auto& target = *waiting.target;
  auto crowd = waiting.turn.has_urgent() ? Target::Crowd::urgent : Target::Crowd::others;
  target.crowd = std::max(target.crowd, crowd);
  for (auto& [key, site] : sites_)
    if (site->target == &target) ring(*site);
}

void Dispatcher::connection_ended(Site& site) {
  --site.connections;
  --site.target->connections;
  if (sites_.size() < kept_sites || site.destinations > 0 || site.connections > 0) return;
  if (site.pause.until() > clock_.steady()) return;
  auto& target = *site.target;
  if (--target.sites == 0 && is_generic(*target.provider)) targets_.erase(target.key);
  ready_.erase(&site);
  sites_.erase(site.key);
}

Line* Dispatcher::next_line(Site& site) {
  auto now = clock_.steady();
  // Lines that loading keeps are passed over, each once.
  for (auto left = site.turn.size(); left > 0; --left) {
    auto* line = site.turn.next();
    if (line == nullptr) break;
    const auto& target = *site.target;
    bool is_held = holds_.current(target.provider->id, line->key.organisation_id) != nullptr;
    auto own = target.organisations.find(line->key.organisation_id);
    bool is_paused = own != target.organisations.end() && own->second.until() > now;
    bool is_stale = destination_of(*line).valid_until <= now;
    if (is_held || is_paused || is_stale) {
      site.turn.remove(*line);
      place(*line);
      continue;
    }
    if (!line->is_loading || !line->loaded.empty()) return line;
  }
  if (site.turn.empty()) ready_.erase(&site);
  return nullptr;
}

void Dispatcher::rests(Line& line, std::optional<Time> due) {
  auto& destination = destination_of(line);
  if (destination.site != nullptr) {
    destination.site->turn.remove(line);
    if (destination.site->turn.empty()) ready_.erase(destination.site);
  }
  line.due = due;
  if (due) return schedule(line, std::max(steady(*due), clock_.steady()));
  unschedule(line);
  forget(line);
}

// Lines in which nobody waits take no memory.
void Dispatcher::forget(Line& line) {
  if (line.due || !line.taken.empty() || line.is_loading || line.is_ready) return;
  auto found = destinations_.find(line.destination);
  auto& destination = *found->second;
  held_.erase(&line);
  unschedule(line);
  --lines_;
  const auto key = line.key;
  destination.lines.erase(key);
  if (!destination.lines.empty() || destination.is_resolving) return;
  leave_site(destination);
  destinations_.erase(found);
}

void Dispatcher::put_back(Line& line, RecipientId id) {
  line.taken.erase(id);
  forget(line);
}

void Dispatcher::accepted(Site& site, std::int64_t organisation_id) {
  site.pause.succeeded();
  site.target->organisations.erase(organisation_id);
  site.target->pacer.accepted(clock_.steady());
}

void Dispatcher::refused(Target& target, Steady begun, bool outright) {
  target.pacer.refused(begun, clock_.steady(), outright);
}

void Dispatcher::organisation_refused(Target& target, std::int64_t organisation_id, Steady begun) {
  target.organisations[organisation_id].failed(begun, clock_.steady());
}

void Dispatcher::unreachable(Site& site, Steady begun) {
  site.pause.failed(begun, clock_.steady());
}

bool Dispatcher::has_work() const {
  auto now = clock_.steady();
  return std::ranges::any_of(ready_, [&](const Site* site) { return opens_at(*site, now) <= now; });
}

Steady Dispatcher::next_event() const {
  auto next = timers_.empty() ? Steady::max() : timers_.begin()->first;
  auto now = clock_.steady();
  for (const auto* site : ready_) {
    auto opens = opens_at(*site, now);
    if (opens > now) next = std::min(next, opens);
  }
  return next;
}

Dispatcher::View Dispatcher::view(const LineKey& line) const {
  auto found = destinations_.find(name_of(line));
  if (found == destinations_.end()) return {};
  const auto& destination = *found->second;
  return {.provider = destination.site == nullptr ? nullptr : destination.site->target->provider,
          .site = destination.site,
          .trouble = destination.trouble,
          .not_before = destination.pause.until()};
}

std::size_t Dispatcher::loaded() const {
  std::size_t sum = 0;
  for (const auto& [name, destination] : destinations_)
    for (const auto& [key, line] : destination->lines) sum += line.loaded.size();
  return sum;
}

}  // namespace todoke::queue
