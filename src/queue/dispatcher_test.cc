#include "queue/dispatcher.h"

#include <doctest/doctest.h>

#include <map>

using namespace todoke;
using namespace todoke::queue;
using namespace std::chrono_literals;

namespace {

constexpr Time start{std::chrono::days(20'000)};

LineKey key(std::string domain, Lane lane = Lane::normal, std::int64_t organisation = 1) {
  return {std::move(domain), lane, organisation};
}

struct Scene {
  SimulatedClock clock{start};
  Dispatcher dispatcher{clock};
  const provider::Book& book = provider::Book::built_in();

  Route route(std::string host, std::string_view provider = {}) {
    Route made{.hosts = {{10, std::move(host)}}, .provider = &book.generic()};
    if (!provider.empty()) made.provider = book.find(provider);
    return made;
  }
  // Answers every question for a route with a host of the domain's own.
  void resolve_all() {
    dispatcher.tick();
    while (auto domain = dispatcher.next_to_resolve())
      dispatcher.set_route(*domain, route("mx." + *domain), 1h);
    dispatcher.tick();
  }
  // The connection that may be opened, as if it had taken something.
  Site* open() {
    auto* site = dispatcher.next_site();
    if (site != nullptr) dispatcher.started(*site);
    return site;
  }
};

}  // namespace

TEST_CASE("a line is asked for when it is due and has a route") {
  Scene scene;
  scene.dispatcher.waits(key("a.example"), start + 10min);
  scene.dispatcher.tick();
  CHECK_FALSE(scene.dispatcher.next_to_resolve());
  CHECK(scene.dispatcher.next_event() == scene.clock.steady() + 10min);
  scene.clock.advance(10min);
  scene.dispatcher.tick();
  auto domain = scene.dispatcher.next_to_resolve();
  REQUIRE(domain);
  CHECK(*domain == "a.example");
  CHECK_FALSE(scene.dispatcher.next_to_resolve());
  CHECK(scene.dispatcher.next_site() == nullptr);
  scene.dispatcher.set_route(*domain, scene.route("mx.a.example"), 1h);
  scene.dispatcher.tick();
  auto* site = scene.dispatcher.next_site();
  REQUIRE(site != nullptr);
  CHECK(site->route.hosts.front().name == "mx.a.example");
  CHECK(scene.dispatcher.next_site() == nullptr);  // not before the first has taken something
  CHECK(scene.dispatcher.next_line(*site)->key == key("a.example"));
}

TEST_CASE("trouble with DNS puts a domain off, longer each time") {
  Scene scene;
  scene.dispatcher.waits(key("a.example"), start);
  auto last = 0s;
  for (int i = 0; i < 4; ++i) {
    scene.dispatcher.tick();
    auto domain = scene.dispatcher.next_to_resolve();
    REQUIRE(domain);
    scene.dispatcher.no_route(*domain, "SERVFAIL");
    auto wait = std::chrono::duration_cast<std::chrono::seconds>(scene.dispatcher.next_event() -
                                                                 scene.clock.steady());
    CHECK(wait > last);
    CHECK(scene.dispatcher.view(key("a.example")).trouble == "SERVFAIL");
    last = wait;
    scene.clock.advance(wait);
  }
  scene.resolve_all();
  CHECK(scene.open() != nullptr);
}

TEST_CASE("domains with the same servers share connections, and a provider its window") {
  Scene scene;
  scene.dispatcher.waits(key("a.example"), start);
  scene.dispatcher.waits(key("b.example"), start);
  scene.dispatcher.tick();
  while (auto domain = scene.dispatcher.next_to_resolve())
    scene.dispatcher.set_route(*domain, scene.route("mx.shared.example"), 1h);
  scene.dispatcher.tick();
  auto* site = scene.open();
  REQUIRE(site != nullptr);
  CHECK(site->destinations == 2);
  CHECK(site->turn.size() == 2);
  CHECK(scene.open() == site);
  CHECK(scene.open() == nullptr);  // the first window is two
  scene.dispatcher.connection_ended(*site);
  CHECK(scene.open() == site);
}

TEST_CASE("held lines wait, and come back when they are released") {
  Scene scene;
  scene.dispatcher.set_holds(Holds({{.scope = {"gmail", 0}, .since = start}}));
  scene.dispatcher.waits(key("gmail.com"), start);
  scene.dispatcher.tick();
  REQUIRE(scene.dispatcher.next_to_resolve());
  scene.dispatcher.set_route("gmail.com", scene.route("gmail-smtp-in.l.google.com", "gmail"), 1h);
  scene.dispatcher.tick();
  CHECK(scene.dispatcher.next_site() == nullptr);
  scene.dispatcher.waits(key("gmail.com"), start);
  scene.dispatcher.tick();
  CHECK(scene.dispatcher.next_site() == nullptr);
  scene.dispatcher.set_holds(Holds({{.scope = {"gmail", 7}, .since = start}}));
  scene.dispatcher.tick();
  CHECK(scene.dispatcher.next_site() != nullptr);
}

TEST_CASE("a hold that begins while a line is ready stops it there") {
  Scene scene;
  scene.dispatcher.waits(key("a.example", Lane::normal, 1), start);
  scene.dispatcher.waits(key("a.example", Lane::normal, 2), start);
  scene.resolve_all();
  auto* site = scene.open();
  scene.dispatcher.set_holds(Holds({{.scope = {"", 1}, .since = start}}));
  for (int i = 0; i < 4; ++i) CHECK(scene.dispatcher.next_line(*site)->key.organisation_id == 2);
}

TEST_CASE("urgent mail first, yet nobody starves, and organisations take turns") {
  Scene scene;
  scene.dispatcher.waits(key("a.example", Lane::urgent, 1), start);
  for (int organisation : {1, 2, 3})
    for (const auto* domain : {"a.example", "b.example"})
      scene.dispatcher.waits(key(domain, Lane::normal, organisation), start);
  scene.dispatcher.waits(key("b.example", Lane::bulk, 9), start);
  scene.dispatcher.tick();
  while (auto domain = scene.dispatcher.next_to_resolve())
    scene.dispatcher.set_route(*domain, scene.route("mx.example"), 1h);
  scene.dispatcher.tick();
  auto* site = scene.open();
  std::map<Lane, int> lanes;
  std::map<std::int64_t, int> organisations;
  for (int i = 0; i < 1000; ++i) {
    auto* line = scene.dispatcher.next_line(*site);
    ++lanes[line->key.lane];
    if (line->key.lane == Lane::normal) ++organisations[line->key.organisation_id];
  }
  CHECK(lanes[Lane::urgent] == 800);
  CHECK(lanes[Lane::bulk] == 40);
  for (auto [organisation, count] : organisations)
    CHECK(count == doctest::Approx(160 / 3).epsilon(0.05));
}

TEST_CASE("what cannot be reached pauses its servers, what refuses one sender only him") {
  Scene scene;
  scene.dispatcher.waits(key("a.example", Lane::normal, 1), start);
  scene.dispatcher.waits(key("a.example", Lane::normal, 2), start);
  scene.resolve_all();
  auto* site = scene.open();
  auto now = scene.clock.steady();
  scene.dispatcher.organisation_refused(*site->target, 1, now);
  for (int i = 0; i < 4; ++i) CHECK(scene.dispatcher.next_line(*site)->key.organisation_id == 2);
  scene.dispatcher.unreachable(*site, now);
  CHECK(scene.dispatcher.next_site() == nullptr);
  CHECK(scene.dispatcher.next_event() == now + 30s);
  scene.clock.advance(30s);
  scene.dispatcher.tick();
  CHECK(scene.dispatcher.next_site() == site);
}

TEST_CASE("lines without anybody take no memory") {
  Scene scene;
  for (int i = 0; i < 100; ++i)
    scene.dispatcher.waits(key("d" + std::to_string(i) + ".example"), start);
  scene.resolve_all();
  CHECK(scene.dispatcher.lines() == 100);
  while (auto* site = scene.open()) {
    while (auto* line = scene.dispatcher.next_line(*site))
      scene.dispatcher.rests(*line, std::nullopt);
    scene.dispatcher.connection_ended(*site);
  }
  CHECK(scene.dispatcher.lines() == 0);
}

TEST_CASE("an organisation's smarthost takes its mail for every domain") {
  Scene scene;
  scene.dispatcher.waits(key("a.example", Lane::normal, 1), start);
  scene.dispatcher.waits(key("b.example", Lane::normal, 1), start);
  scene.dispatcher.waits(key("b.example", Lane::normal, 2), start);
  scene.dispatcher.set_smarthosts({1});
  scene.dispatcher.tick();
  std::vector<std::string> asked;
  while (auto destination = scene.dispatcher.next_to_resolve()) asked.push_back(*destination);
  std::ranges::sort(asked);
  CHECK(asked == std::vector<std::string>{"b.example", "smarthost:1"});
  CHECK(parse_smarthost_name("smarthost:1") == 1);
  CHECK_FALSE(parse_smarthost_name("b.example"));
}

TEST_CASE("domains share connections only where they ask the same of their servers") {
  Scene scene;
  auto with = [&](trust::MtaStsPolicy::Mode mode, std::string mx) {
    auto made = scene.route("mx.host.example");
    made.sts = std::make_shared<const trust::MtaStsPolicy>(
        trust::MtaStsPolicy{.mode = mode, .max_age = 1h, .mx = {std::move(mx)}});
    return made;
  };
  using Mode = trust::MtaStsPolicy::Mode;
  std::map<std::string, Route> routes;
  routes["plain.example"] = scene.route("mx.host.example");
  routes["none.example"] = with(Mode::none, "");
  routes["enforced.example"] = with(Mode::enforce, "mx.host.example");
  routes["same.example"] = with(Mode::enforce, "mx.host.example");
  routes["other.example"] = with(Mode::enforce, "*.host.example");
  routes["testing.example"] = with(Mode::testing, "mx.host.example");
  routes["signed.example"] = scene.route("mx.host.example");
  routes["signed.example"].is_secure = true;
  std::map<std::string, const Site*> sites;
  for (const auto& [domain, route] : routes) scene.dispatcher.waits(key(domain), start);
  scene.dispatcher.tick();
  while (auto domain = scene.dispatcher.next_to_resolve())
    scene.dispatcher.set_route(*domain, routes.at(*domain), 1h);
  std::set<const Site*> different;
  std::set<const Target*> targets;
  for (const auto& [domain, route] : routes) {
    sites[domain] = scene.dispatcher.view(key(domain)).site;
    different.insert(sites[domain]);
    targets.insert(sites[domain]->target);
  }
  CHECK(sites["plain.example"] == sites["none.example"]);
  CHECK(sites["enforced.example"] == sites["same.example"]);
  CHECK(different.size() == 5);
  CHECK(targets.size() == 1);  // they are paced as one: the servers are the same
}
