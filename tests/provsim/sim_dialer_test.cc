#include "provsim/sim_dialer.h"

#include "provsim/world.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::provsim;
using namespace std::chrono_literals;

TEST_CASE("mail arrives in simulated time") {
  SimWorld world(parse_script(R"(
provider one
  domains one.example
  host mx.one.example 127.0.9.1
  latency connect fixed 1s
  latency end fixed 3s
)")
                     .value());
  world.start();
  auto id = world.enqueue({.text = notice_text("first"), .recipients = {"ann@one.example"}});
  world.run_until(4s);
  CHECK(world.states(id) == SimWorld::States{{queue::State::sending, 1}});
  world.run_until(6s);
  CHECK(world.states(id) == SimWorld::States{{queue::State::delivered, 1}});
  CHECK(world.passed() == 6s);
  REQUIRE(world.ledger().receipts.size() == 1);
  CHECK(world.ledger().receipts[0].message_id == "<first@sender.example.jp>");
  CHECK(world.ledger().faults.empty());
  auto events = world.events({id, 1});
  REQUIRE(events.size() == 2);
  CHECK(events[1].at == world.began + 5s);
  world.stop();
}
