#include "base/clock.h"

#include "base/ids.h"

#include <doctest/doctest.h>

#include <thread>

using namespace todoke;
using namespace std::chrono_literals;

TEST_CASE("a simulated clock wakes whoever is due") {
  SimulatedClock clock(Time(1h));
  std::string order;
  auto sleeper = [](SimulatedClock* c, std::chrono::seconds s, std::string* out,
                    char name) -> Task<> {
    co_await c->sleep(s);
    *out += name;
  };
  std::thread a([&] { block_on(sleeper(&clock, 10s, &order, 'a')); });
  while (clock.sleepers() < 1) std::this_thread::yield();
  clock.advance(9s);
  CHECK(clock.sleepers() == 1);
  CHECK(clock.now() == Time(1h + 9s));
  clock.advance(1s);
  a.join();
  CHECK(order == "a");
  CHECK(clock.sleepers() == 0);
}

TEST_CASE("an alarm ends a sleep early, now or beforehand, on every clock") {
  SimulatedClock simulated(Time(1h));
  SystemClock system;
  for (const Clock* clock :
       {static_cast<const Clock*>(&simulated), static_cast<const Clock*>(&system)}) {
    Alarm alarm(*clock);
    auto sleep = [](Alarm* a, Steady when) -> Task<> { co_await a->sleep_until(when); };
    alarm.ring();
    block_on(sleep(&alarm, clock->steady() + 1h));
    std::thread sleeper([&] { block_on(sleep(&alarm, clock->steady() + 1h)); });
    alarm.ring();
    sleeper.join();
    CHECK(simulated.sleepers() == 0);
    CHECK_FALSE(simulated.next_due());
    block_on(sleep(&alarm, clock->steady()));
  }
  Alarm alarm(simulated);
  auto sleep = [](Alarm* a, Steady when) -> Task<> { co_await a->sleep_until(when); };
  std::thread sleeper([&] { block_on(sleep(&alarm, simulated.steady() + 1h)); });
  while (!simulated.next_due()) std::this_thread::yield();
  CHECK(*simulated.next_due() == simulated.steady() + 1h);
  simulated.advance(1h);
  sleeper.join();
}

TEST_CASE("a completion may be set before and after the wait") {
  Completion early;
  early.set();
  block_on(early.wait());
  Completion late;
  std::thread setter([&] {
    std::this_thread::yield();
    late.set();
  });
  block_on(late.wait());
  setter.join();
  CHECK(late.is_set());
}

TEST_CASE("ids grow, also when the clock stands still or goes back") {
  SimulatedClock clock(Time(std::chrono::years(57)));
  IdGenerator ids(clock);
  auto a = ids.next(), b = ids.next();
  clock.advance(1s);
  auto c = ids.next();
  CHECK(a < b);
  CHECK(b < c);
  CHECK(id_text(a) < id_text(b));
  CHECK(id_text(b) < id_text(c));
  ids.skip_past(c + 1'000'000'000'000);
  CHECK(ids.next() == c + 1'000'000'000'001);
}

TEST_CASE("times are written as RFC 3339") {
  CHECK(to_rfc3339(from_micros(1'792'454'400'123'456)) == "2026-10-20T00:00:00.123Z");
}
