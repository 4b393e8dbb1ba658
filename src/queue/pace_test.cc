// Pace and retries.
#include "queue/dispatcher.h"
#include "queue/pacer.h"
#include "queue/retry.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;
using namespace std::chrono_literals;
using provider::ReplyClass;

namespace {

constexpr Steady start{};
const provider::Limits limits{.connections = 8, .messages_per_second = 10};

}  // namespace

TEST_CASE("what blames the provider or us is never final") {
  for (auto reply_class : {ReplyClass::throttled, ReplyClass::blocked, ReplyClass::auth,
                           ReplyClass::unreachable, ReplyClass::full})
    for (bool permanent : {false, true}) {
      auto retry = decide_retry(reply_class, permanent, 0, 0);
      CHECK_FALSE(retry.is_final);
      CHECK(retry.wait >= 1min);
      CHECK(decide_retry(reply_class, permanent, 100, 0).wait <= 12h);
    }
}

TEST_CASE("what blames the recipient or the message ends it") {
  for (auto reply_class :
       {ReplyClass::gone, ReplyClass::inactive, ReplyClass::filtered, ReplyClass::content}) {
    CHECK(decide_retry(reply_class, true, 0, 0).is_final);
    CHECK_FALSE(decide_retry(reply_class, false, 0, 0).is_final);
  }
}

TEST_CASE("words nobody knows are asked about once more, six hours later") {
  CHECK(decide_retry(ReplyClass::unknown, true, 0, 0).wait == 6h);
  CHECK(decide_retry(ReplyClass::unknown, true, 1, 1).is_final);
  CHECK_FALSE(decide_retry(ReplyClass::unknown, false, 9, 3).is_final);
}

TEST_CASE("waits are spread by at most a tenth, alike for the same seed") {
  std::chrono::microseconds least = 1h, most = 0h;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    auto wait = spread(600s, seed);
    CHECK(wait == spread(600s, seed));
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  CHECK(least >= 600s);
  CHECK(least < 605s);
  CHECK(most > 655s);
  CHECK(most <= 660s);
}

TEST_CASE("a pacer opens slowly and lets through what a second allows") {
  Pacer pacer(limits, start);
  CHECK(pacer.window(start) == 2);
  for (int i = 0; i < 10; ++i) CHECK_FALSE(pacer.take(1, start));
  auto wait = pacer.take(1, start);
  REQUIRE(wait);
  CHECK(*wait == start + 100ms);
  CHECK_FALSE(pacer.take(1, *wait));
  for (int i = 0; i < 100; ++i) pacer.accepted(start + 1s);
  CHECK(pacer.window(start + 1s) == 8);
}

TEST_CASE("one refusal halves the pace, its echoes do nothing more, three stop it") {
  Pacer pacer(limits, start);
  for (int i = 0; i < 100; ++i) pacer.accepted(start);
  pacer.refused(start + 1s, start + 2s, false);
  CHECK(pacer.window(start + 2s) == 4);
  CHECK(pacer.rate() == doctest::Approx(5));
  // What began before the refusal was heard.
  for (int i = 0; i < 5; ++i) pacer.refused(start + 1s, start + 3s, false);
  CHECK(pacer.window(start + 3s) == 4);
  pacer.refused(start + 3s, start + 4s, false);
  CHECK_FALSE(pacer.is_probing());
  pacer.refused(start + 5s, start + 6s, false);
  CHECK(pacer.is_probing());
  CHECK(pacer.window(start + 6s) == 0);
  CHECK(pacer.paused_until() == start + 36s);
  CHECK(pacer.take(1, start + 10s) == start + 36s);
  CHECK(pacer.window(start + 36s) == 1);
}

TEST_CASE("pauses double up to a quarter of an hour, and one success ends them") {
  Pacer pacer(limits, start);
  auto now = start;
  int tries = 0;
  for (; now < start + 24h; ++tries) {
    pacer.refused(now, now, true);
    CHECK(pacer.paused_until() - now <= 15min);
    now = pacer.paused_until();
  }
  CHECK(tries < 110);
  CHECK(pacer.window(now) == 1);
  pacer.accepted(now);
  CHECK_FALSE(pacer.is_probing());
  CHECK(pacer.window(now) == 2);
  CHECK(pacer.rate() >= 0.1);
}

TEST_CASE("a pause counts a failure once for all that had begun") {
  Pause pause;
  pause.failed(start, start + 1s);
  pause.failed(start, start + 2s);
  CHECK(pause.failures() == 1);
  CHECK(pause.until() == start + 31s);
  pause.failed(start + 31s, start + 32s);
  CHECK(pause.until() == start + 92s);
  pause.succeeded();
  CHECK(pause.until() < start);
}
