#include "provsim/script.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::provsim;
using namespace std::chrono_literals;

TEST_CASE("a script is read") {
  auto script = parse_script(R"(
# two providers
seed 7
provider gmail
  domains gmail.com GoogleMail.com
  host mx1.google.test 127.0.10.1 127.0.10.2
  host mx2.google.test 127.0.10.3
  offers PIPELINING "SIZE 100"
  latency end exponential 80ms
  connections 5 421 4.7.0 Too many
  rcpt to gone-* 550 5.1.1 No such user
  phase 62h
    95% mail 550 5.7.1 Blocked | read more
    latency end fixed 1s
  phase 126h
provider au
  domains au.com
  host mx.au.test 127.0.11.1
  overload 20 per 1min reset
  50% bounce ezweb after 10min to quota-*
  greylist 5min
)");
  REQUIRE_MESSAGE(script.has_value(), script.error().text);
  CHECK(script->seed == 7);
  REQUIRE(script->providers.size() == 2);
  const auto& gmail = script->providers[0];
  CHECK(gmail.domains == std::vector<std::string>{"gmail.com", "googlemail.com"});
  CHECK(gmail.hosts[0].addresses.size() == 2);
  CHECK(gmail.offers == std::vector<std::string>{"PIPELINING", "SIZE 100"});
  REQUIRE(gmail.phases.size() == 3);
  CHECK(gmail.phases[1].from == 62h);
  // What the phase says comes first, what always holds behind it.
  REQUIRE(gmail.phases[1].rules.size() == 2);
  CHECK(gmail.phases[1].rules[0].chance == 0.95);
  CHECK(gmail.phases[1].rules[0].act.reply == "550-5.7.1 Blocked\r\n550 5.7.1 read more\r\n");
  CHECK(gmail.phases[1].rules[1].to == "gone-*");
  CHECK(gmail.phases[1].latency.at(Stage::end_of_data).time == 1s);
  CHECK(gmail.phases[2].latency.at(Stage::end_of_data).time == 80ms);
  CHECK(gmail.phases[2].connections->act.kind == Act::Kind::cut);
  const auto& au = script->providers[1].phases.front();
  CHECK(au.overload->within == 1min);
  CHECK(au.bounces.front().format == BounceFormat::ezweb);
  CHECK(au.greylist == 5min);
}

TEST_CASE("mistakes in a script are told with their line") {
  for (const char* bad :
       {"provider a\n  rcpt maybe", "provider a\n  phase soon", "domains a", "provider a\nlater 3",
        "provider a\n  phase 5h\n  phase 4h", "provider a\n 101% rcpt close",
        "provider a\n close rcpt", "provider a\n rcpt close now"}) {
    auto script = parse_script(bad);
    REQUIRE_FALSE(script.has_value());
    CHECK(script.error().text.starts_with("line "));
  }
}

TEST_CASE("patterns") {
  CHECK(fits("gone-*", "gone-1@docomo.ne.jp"));
  CHECK(fits("*@docomo.ne.jp", "A@DOCOMO.ne.jp"));
  CHECK(fits("a*b*c", "a-b-b-c"));
  CHECK_FALSE(fits("gone-*", "agone-1"));
  CHECK_FALSE(fits("a", "ab"));
}

TEST_CASE("replies on the wire") {
  CHECK(wire_reply("421 4.7.28 a | b") == "421-4.7.28 a\r\n421 4.7.28 b\r\n");
  CHECK(wire_reply("550 Unknown user") == "550 Unknown user\r\n");
  CHECK(wire_reply("250") == "250 \r\n");
}
