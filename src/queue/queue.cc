#include "queue/queue.h"

#include "base/log.h"
#include "crypto/random.h"
#include "queue/expiry.h"
#include "queue/impl.h"
#include "queue/journal.h"
#include "queue/purge.h"
#include "queue/sender.h"

namespace todoke::queue {
namespace {

using namespace std::chrono_literals;

constexpr int most_lines = 100'000;
constexpr int most_lookups = 50;
constexpr auto watch_interval = 60s;
constexpr auto rescan_interval = 10min;
constexpr auto delay_after = 4h;
constexpr auto stuck_after = 30min;  // longer than a conversation may last
constexpr auto shortest_route = std::chrono::seconds(5min);
constexpr auto longest_route = std::chrono::seconds(24h);
// A policy that is new, or mended, counts after this time at the latest.
constexpr auto longest_route_with_sts = std::chrono::seconds(1h);
// Where holds are of interest: no message lives longer, whatever was held.
constexpr auto memory_of_holds = std::chrono::days(400);

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  for (unsigned char byte : crypto::random_bytes(8)) seed = seed << 8 | byte;
  return seed;
}

}  // namespace

Queue::Queue(Parts parts) : impl_(new Impl(std::move(parts))) {}
Queue::~Queue() = default;

std::size_t Queue::running() const {
  return impl_->core.gate.inside();
}

// ---- Starting

Task<> Queue::start() {
  auto& self = *impl_;
  auto& parts = self.core.parts;
  auto now = parts.clock.now();
  auto settle = [&](sql::Tx& tx) {
    Consequences consequences;
    auto count = doubt_in_flight(tx, parts.ids, now, consequences);
    return std::pair(count, std::move(consequences));
  };
  auto [in_doubt, consequences] = co_await parts.db.write(settle);
  self.core.follow(std::move(consequences));
  if (in_doubt > 0) log::warn("queue.in_doubt", {{"recipients", in_doubt}});
  self.core.dispatcher.set_holds(co_await self.read_all_holds());
  self.smarthosts = co_await self.read_smarthosts();
  std::set<std::int64_t> organisations;
  for (const auto& [id, host] : self.smarthosts) organisations.insert(id);
  self.core.dispatcher.set_smarthosts(std::move(organisations));
  co_await self.read_lines();
}

Task<> Queue::rescan() {
  return impl_->read_lines();
}

Task<> Queue::Impl::read_lines() {
  auto query = [](sql::Tx& tx) { return read_waiting(tx, most_lines); };
  auto waiting = co_await core.parts.db.read(query);
  for (const auto& line : waiting) core.dispatcher.waits(line.key, line.due);
}

Task<Holds> Queue::Impl::read_all_holds() {
  auto since = core.parts.clock.now() - memory_of_holds;
  auto query = [&](sql::Tx& tx) { return read_holds(tx, since); };
  co_return co_await core.parts.db.read(query);
}

Task<std::map<std::int64_t, Smarthost>> Queue::Impl::read_smarthosts() {
  auto query = [&](sql::Tx& tx) { return queue::read_smarthosts(tx); };
  co_return co_await core.parts.db.read(query);
}

// ---- Scheduling

void Queue::wake(std::vector<LineKey> lines, Time due) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->news.push_back({std::move(lines), due, false});
  }
  impl_->core.alarm.ring();
}

void Queue::tell_senders() {
  impl_->core.note_notices();
}

void Queue::wake_now(std::vector<LineKey> lines) {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->news.push_back({std::move(lines), impl_->core.parts.clock.now(), true});
  }
  impl_->core.alarm.ring();
}

void Queue::Impl::take_news() {
  std::vector<News> fresh;
  std::optional<Holds> holds;
  std::optional<std::map<std::int64_t, Smarthost>> hosts;
  std::vector<Question*> asked;
  {
    std::lock_guard lock(mutex);
    fresh = std::exchange(news, {});
    holds = std::exchange(new_holds, {});
    hosts = std::exchange(new_smarthosts, {});
    asked = std::exchange(questions, {});
  }
  if (holds) core.dispatcher.set_holds(*std::move(holds));
  if (hosts) {
    smarthosts = *std::move(hosts);
    std::set<std::int64_t> organisations;
    for (const auto& [id, host] : smarthosts) organisations.insert(id);
    core.dispatcher.set_smarthosts(std::move(organisations));
  }
  for (const auto& one : fresh)
    for (const auto& line : one.lines) {
      core.dispatcher.waits(line, one.due);
      if (one.is_wanted_now) core.dispatcher.lift_pauses(line);
    }
  for (auto* question : asked) {
    question->standing = standing_of(question->line);
    question->answered.set();
  }
}

void Queue::Impl::answer(bool yes) {
  {
    std::lock_guard lock(mutex);
    answers = yes;
  }
  take_news();
}

Task<> Queue::run() {
  auto& self = *impl_;
  auto& core = self.core;
  auto& parts = core.parts;
  auto pass = core.gate.enter();
  parts.spawn(self.watch(core.gate.enter()));
  parts.spawn(self.tell_senders(core.gate.enter()));
  self.answer(true);
  while (!core.is_stopping) {
    self.take_news();
    core.dispatcher.tick();
    while (self.lookups < most_lookups) {
      auto destination = core.dispatcher.next_to_resolve();
      if (!destination) break;
      ++self.lookups;
      parts.spawn(self.resolve(*std::move(destination), core.gate.enter()));
    }
    while (parts.options.sends && core.connections < parts.options.max_connections) {
      auto* site = core.dispatcher.next_site();
      if (site == nullptr) break;
      ++core.connections;
      parts.spawn(self.send_at(site, core.gate.enter()));
    }
    auto next = std::min(core.dispatcher.next_event(), parts.clock.steady() + watch_interval);
    co_await core.alarm.sleep_until(next);
  }
  self.answer(false);
}

Task<> Queue::Impl::send_at(Site* site, net::Gate::Pass) {
  Sender sender(core, *site);
  co_await sender.run();
}

Task<> Queue::stop() {
  auto& core = impl_->core;
  core.is_stopping = true;
  core.alarm.ring();
  impl_->watch_alarm.ring();
  core.notice_alarm.ring();
  core.dispatcher.ring_all();
  co_await core.gate.close();
}

Task<> Queue::reload() {
  auto holds = co_await impl_->read_all_holds();
  auto smarthosts = co_await impl_->read_smarthosts();
  {
    std::lock_guard lock(impl_->mutex);
    impl_->new_holds = std::move(holds);
    impl_->new_smarthosts = std::move(smarthosts);
  }
  impl_->core.alarm.ring();
}

Task<std::optional<Queue::Standing>> Queue::standing(LineKey line) {
  Impl::Question question{.line = std::move(line)};
  {
    std::lock_guard lock(impl_->mutex);
    if (!impl_->answers) co_return std::nullopt;
    impl_->questions.push_back(&question);
  }
  impl_->core.alarm.ring();
  co_await question.answered.wait();
  co_return question.standing;
}

Queue::Standing Queue::Impl::standing_of(const LineKey& line) const {
  auto view = core.dispatcher.view(line);
  auto now = core.parts.clock.steady();
  Standing standing{.sends = core.parts.options.sends, .trouble = view.trouble};
  auto until = view.trouble.empty() ? now : view.not_before;
  if (view.provider != nullptr) standing.provider = view.provider->id;
  if (view.site != nullptr) {
    const auto& target = *view.site->target;
    standing.connections = view.site->connections;
    standing.refusals = target.pacer.refusals();
    standing.all_connections_used = target.connections >= target.pacer.window(now);
    until = std::max({until, view.site->pause.until(), target.pacer.paused_until()});
  }
  standing.pause = std::max(until - now, std::chrono::microseconds(0));
  return standing;
}

// ---- Where mail goes

Result<Route> Queue::Impl::smarthost_route(std::int64_t organisation_id) const {
  auto found = smarthosts.find(organisation_id);
  if (found == smarthosts.end()) return fail(Errc::not_found, "the smarthost is gone");
  const auto& host = found->second;
  return Route{.hosts = {{.name = host.host}},
               .port = host.port,
               .tls = host.tls,
               .login = host.login,
               .provider = &core.parts.book.generic()};
}

Task<> Queue::Impl::resolve(std::string destination, net::Gate::Pass) {
  auto& parts = core.parts;
  try {
    if (auto organisation = parse_smarthost_name(destination)) {
      auto route = smarthost_route(*organisation);
      if (route)
        core.dispatcher.set_route(destination, *std::move(route), longest_route);
      else
        core.dispatcher.no_route(destination, route.error().text);
    } else {
      auto hosts = co_await dns::find_mail_hosts(parts.resolver, destination, random_seed());
      if (hosts) {
        // RFC 5321 §5.1: mail that would come back to us goes nowhere.
        bool leads_on = dns::keep_nearer_than(hosts->hosts, parts.options.helo);
        std::vector<std::string> names;
        for (const auto& host : hosts->hosts) names.push_back(host.name);
        Route route{.domain = destination,
                    .hosts = std::move(hosts->hosts),
                    .is_secure = hosts->secure,
                    .port = parts.options.port,
                    .provider = &parts.book.by_mx(names, destination)};
        if (!leads_on) route.dead_end = "its mail would come back to us: a loop";
        auto ttl = hosts->ttl;
        if (parts.sts != nullptr && leads_on) {
          auto policy = co_await parts.sts->policy_for(destination);
          route.sts = std::make_shared<const trust::MtaStsPolicy>(std::move(policy));
          ttl = std::min(ttl, longest_route_with_sts);
        }
        co_await set_route(destination, std::move(route), ttl);
      } else if (hosts.error().code == Errc::unavailable) {
        log::info("queue.no_route", {{"domain", destination}, {"error", hosts.error().text}});
        core.dispatcher.no_route(destination, hosts.error().text);
      } else {
        Route route{.provider = &parts.book.by_domain(destination), .dead_end = hosts.error().text};
        co_await set_route(destination, std::move(route), shortest_route);
      }
    }
  } catch (const std::runtime_error& e) {
    core.dispatcher.no_route(destination, e.what());
  }
  --lookups;
  core.alarm.ring();
}

Task<> Queue::Impl::set_route(std::string destination, Route route, std::chrono::seconds ttl) {
  auto now = core.parts.clock.now();
  const auto provider = route.provider->id;
  auto write = [&](sql::Tx& tx) {
    tx.run(
        "insert into queue_domain (domain, provider, resolved_at) values ($1, $2, $3) "
        "on conflict (domain) do update set provider = excluded.provider, "
        "resolved_at = excluded.resolved_at",
        destination, provider, now);
  };
  co_await core.parts.db.write(write);
  core.dispatcher.set_route(destination, std::move(route),
                            std::clamp(ttl, shortest_route, longest_route));
}

// ---- Telling senders

Task<> Queue::Impl::tell_senders(net::Gate::Pass) {
  auto& clock = core.parts.clock;
  while (!core.is_stopping) {
    core.has_notices = false;
    auto again = clock.steady() + rescan_interval;
    try {
      auto next = co_await notifier.round();
      if (next) again = *next;
    } catch (const std::runtime_error& e) {
      log::error("queue.notifier_failed", {{"error", e.what()}});
    }
    if (core.is_stopping) break;
    if (!core.has_notices) co_await core.notice_alarm.sleep_until(again);
  }
}

// ---- Watching

Task<> Queue::Impl::watch(net::Gate::Pass) {
  auto& clock = core.parts.clock;
  auto next_rescan = clock.steady() + rescan_interval;
  while (!core.is_stopping) {
    try {
      co_await expire_old();
      look_for_progress();
      co_await purge();
      if (clock.steady() >= next_rescan) {
        next_rescan = clock.steady() + rescan_interval;
        co_await read_lines();
        core.alarm.ring();
      }
    } catch (const std::runtime_error& e) {
      log::error("queue.watch_failed", {{"error", e.what()}});
    }
    co_await watch_alarm.sleep_until(clock.steady() + watch_interval);
  }
}

Task<> Queue::Impl::purge() {
  auto before = core.parts.clock.now() - kept_evidence;
  auto write = [&](sql::Tx& tx) { return purge_some(tx, before, 500); };
  for (int steps = 0; steps < 20 && !core.is_stopping; ++steps) {
    auto gone = co_await core.parts.db.write(write);
    if (gone == 0) break;
  }
}

// Work that could be done and is not: a fault of ours, which an operator must hear of.
void Queue::Impl::look_for_progress() {
  auto now = core.parts.clock.steady();
  bool works = core.parts.options.sends && core.dispatcher.has_work();
  if (!works) core.last_progress = now;
  if (now - core.last_progress < stuck_after) return;
  core.last_progress = now;
  log::error("queue.stuck",
             {{"connections", core.connections.load()}, {"lines", core.dispatcher.lines()}});
  core.dispatcher.ring_all();
  core.alarm.ring();
}

Task<> Queue::Impl::expire_old() {
  auto& parts = core.parts;
  auto now = parts.clock.now();
  std::optional<ExpiryCursor> cursor = ExpiryCursor{};
  const auto holds = core.dispatcher.holds();
  while (cursor && !core.is_stopping) {
    const auto from = *cursor;
    auto write = [&](sql::Tx& tx) { return expire_some(tx, parts.ids, holds, now, from, 50); };
    auto step = co_await parts.db.write(write);
    core.follow(std::move(step.consequences));
    if (step.expired > 0) log::info("queue.expired", {{"recipients", step.expired}});
    cursor = step.next;
  }
  auto write = [&](sql::Tx& tx) {
    return note_delays(tx, delays_noted_until, now - delay_after, now);
  };
  auto noted = co_await parts.db.write(write);
  delays_noted_until = now - delay_after - rescan_interval;  // a little is looked at again
  if (noted > 0) core.note_notices();
}

}  // namespace todoke::queue
