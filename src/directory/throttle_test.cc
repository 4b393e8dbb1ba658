#include "directory/throttle.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::directory;
using namespace std::chrono_literals;

namespace {

using enum Throttle::Attempt::Who;

struct Guesses {
  SimulatedClock clock{from_micros(0)};
  Throttle throttle{clock};
  int count = 0;

  // Tries until it must wait; answers how many guesses were let through.
  int until_stopped(const Throttle::Attempt& attempt, int at_most = 1000) {
    int done = 0;
    for (; done < at_most && throttle.wait(attempt) == 0s; ++done)
      throttle.failed(attempt, "guess " + std::to_string(++count));
    return done;
  }
  Throttle::Attempt on(std::string who, std::string network) {
    return {account, std::move(who), std::move(network)};
  }
};

}  // namespace

TEST_CASE_FIXTURE(Guesses, "throttle: one network against one account") {
  const auto attempt = on("1", "192.0.2.1");
  CHECK(until_stopped(attempt) == 10);
  CHECK(throttle.wait(attempt) == 30s);
  clock.advance(29s);
  CHECK(throttle.wait(attempt) == 1s);
  clock.advance(1s);
  CHECK(until_stopped(attempt) == 1);
  clock.advance(24h);
  CHECK(until_stopped(attempt) == 10);
}

TEST_CASE_FIXTURE(Guesses, "throttle: one network against many accounts") {
  int done = 0;
  for (int who = 0; who < 100; ++who)
    done += until_stopped(on(std::to_string(who), "192.0.2.1"), 1);
  CHECK(done == 30);
  CHECK(throttle.wait(on("200", "192.0.2.1")) == 20s);
  CHECK(throttle.wait(on("200", "192.0.2.2")) == 0s);
}

TEST_CASE_FIXTURE(Guesses, "throttle: many networks against one account; the owner gets in") {
  throttle.succeeded(on("1", "203.0.113.9"));
  int done = 0;
  for (int i = 0; i < 200; ++i) done += until_stopped(on("1", "net" + std::to_string(i)));
  CHECK(done == 30);
  CHECK(throttle.wait(on("1", "another")) == 60s);
  CHECK(throttle.wait(on("1", "203.0.113.9")) == 0s);
  CHECK(throttle.wait(on("2", "another")) == 0s);
  // A day of it: 30 at once, then one a minute.
  for (int minute = 0; minute < 24 * 60; ++minute) {
    clock.advance(1min);
    done += until_stopped(on("1", "crowd" + std::to_string(minute)));
  }
  CHECK(done <= 1500);
  CHECK(throttle.wait(on("1", "203.0.113.9")) == 0s);
}

TEST_CASE_FIXTURE(Guesses, "throttle: strangers in a network do not shut out its old users") {
  throttle.succeeded(on("1", "192.0.2.1"));
  for (int who = 10; who < 100; ++who) until_stopped(on(std::to_string(who), "192.0.2.1"));
  CHECK(throttle.wait(on("99", "192.0.2.1")) > 0s);
  CHECK(throttle.wait(on("1", "192.0.2.1")) == 0s);
  // Nor do failures from a good network count for others.
  CHECK(until_stopped(on("1", "192.0.2.1")) == 10);
  CHECK(throttle.wait(on("1", "198.51.100.1")) == 0s);
}

TEST_CASE_FIXTURE(Guesses, "throttle: a network is good for 30 days") {
  throttle.succeeded(on("1", "192.0.2.1"));
  clock.advance(24h * 30 - 1s);
  for (int i = 0; i < 50; ++i) until_stopped(on("1", "net" + std::to_string(i)));
  CHECK(throttle.wait(on("1", "192.0.2.1")) == 0s);
  clock.advance(1s);
  CHECK(throttle.wait(on("1", "192.0.2.1")) > 0s);
}

TEST_CASE_FIXTURE(Guesses, "throttle: a guess is remembered where it was made") {
  const auto attempt = on("1", "192.0.2.1");
  throttle.failed(attempt, "old password");
  CHECK(throttle.failed_before(attempt, "old password"));
  CHECK(!throttle.failed_before(attempt, "other password"));
  CHECK(!throttle.failed_before(on("1", "192.0.2.2"), "old password"));
  CHECK(!throttle.failed_before(on("2", "192.0.2.1"), "old password"));
  throttle.failed(attempt, "");
  CHECK(!throttle.failed_before(attempt, ""));
  clock.advance(24h);
  CHECK(!throttle.failed_before(attempt, "old password"));
}

TEST_CASE_FIXTURE(Guesses, "throttle: invented names wash out nothing that is known of accounts") {
  until_stopped(on("1", "192.0.2.1"));
  for (int i = 0; i < 150'000; ++i)
    throttle.failed({nobody, "name " + std::to_string(i), "198.51.100.1"}, "x");
  CHECK(throttle.wait(on("1", "192.0.2.1")) > 0s);
  // Somebody who does not exist has no good networks.
  throttle.succeeded({nobody, "name", "198.51.100.1"});
  CHECK(throttle.wait({nobody, "name", "198.51.100.1"}) > 0s);
}
