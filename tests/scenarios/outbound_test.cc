#include "provsim/world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

// Our outbound queue among receivers that are slow, strict, full of tricks or broken.

using namespace todoke;
using namespace todoke::provsim;
using namespace std::chrono_literals;
using queue::EventKind;
using queue::State;

namespace {

Script script(std::string_view text) {
  auto parsed = parse_script(text);
  REQUIRE_MESSAGE(parsed.has_value(), (parsed ? "" : parsed.error().text));
  return *std::move(parsed);
}

std::vector<std::string> people(int count, const std::string& domain) {
  std::vector<std::string> addresses;
  for (int i = 0; i < count; ++i) addresses.push_back(fmt::format("member-{}@{}", i, domain));
  return addresses;
}

void check_sound(SimWorld& world) {
  CHECK(world.ledger().twice().empty());
  CHECK(world.ledger().faults == std::map<std::string, int>{});
  CHECK(world.count("select count(*) from queue_recipient where state = 6") == 0);
}

}  // namespace

TEST_CASE("a server that never answers delays nobody else") {
  // All of them are strangers in Japan, of whom we know the same: nothing.
  SimWorld world(script(R"(
provider silent
  domains silent.example.jp
  host mx.silent.example.jp 127.0.20.1
  connect silence
provider unreachable
  domains unreachable.example.jp
  host mx.unreachable.example.jp 127.0.20.2
  connect timeout
provider well
  domains well.example.jp
  host mx.well.example.jp 127.0.20.3
  latency end fixed 50ms
)"));
  world.start();
  auto all = people(50, "silent.example.jp");
  for (const char* domain : {"unreachable.example.jp", "well.example.jp"})
    for (auto& one : people(50, domain)) all.push_back(std::move(one));
  auto id = world.enqueue({.text = notice_text("n"), .recipients = all});
  world.run_until(30s);
  CHECK(world.states_by_domain(id)["well.example.jp"][State::delivered] == 50);
  world.run_until(1h);
  // Nobody is asked in vain more often than makes sense, and nobody has failed.
  CHECK(world.ledger().tallies["silent"].calls.size() < 20);
  CHECK(world.ledger().tallies["unreachable"].calls.size() < 30);
  CHECK(world.states_by_domain(id)["silent.example.jp"][State::failed] == 0);
  world.stop();
  check_sound(world);
}

TEST_CASE("a bulk of one organisation delays no urgent mail of another") {
  struct Receiver {
    const char *id, *domain, *host;
  };
  Receiver receiver{};
  SUBCASE("that bears much") {
    receiver = {"gmail", "gmail.com", "gmail-smtp-in.l.google.com"};
  }
  SUBCASE("that bears little") {
    receiver = {"docomo", "docomo.ne.jp", "mfsmax.docomo.ne.jp"};
  }
  SUBCASE("unknown to us") {
    receiver = {"town", "town.example.jp", "mx.town.example.jp"};
  }
  SimWorld world(script(
      fmt::format("provider {}\n domains {}\n host {} 127.0.20.1\n latency connect fixed 100ms\n"
                  "latency end exponential 300ms\n",
                  receiver.id, receiver.domain, receiver.host)));
  world.start();
  auto bulk = world.enqueue({.text = notice_text("bulk"),
                             .recipients = people(20'000, receiver.domain),
                             .lane = queue::Lane::bulk,
                             .organisation_id = 1,
                             .return_path = queue::ReturnPath::per_recipient});
  world.run_until(5min);
  std::vector<std::int64_t> urgent;
  for (int i = 0; i < 10; ++i) {
    urgent.push_back(world.enqueue({.text = notice_text(fmt::format("urgent-{}", i)),
                                    .recipients = {fmt::format("ann@{}", receiver.domain)},
                                    .lane = queue::Lane::urgent,
                                    .organisation_id = 2}));
    world.run_for(17s);
  }
  for (std::size_t i = 0; i < urgent.size(); ++i) {
    auto events = world.events({urgent[i], 1});
    REQUIRE(events.size() == 2);
    CHECK(events[1].kind == EventKind::delivered);
    auto asked = world.began + 5min + 17s * static_cast<int>(i);
    CHECK(events[0].at - asked <= 2s);
  }
  // It was not for want of other work, nor at its cost.
  auto left = world.states(bulk)[State::waiting];
  CHECK(left > 10'000);
  CHECK(left < 19'000);
  world.stop();
  check_sound(world);
}

TEST_CASE("greylisting is passed on the second attempt") {
  SimWorld world(script(R"(
provider grey
  domains grey.example.jp
  host mx.grey.example.jp 127.0.20.1
  greylist 5min
)"));
  world.start();
  auto id = world.enqueue({.text = notice_text("n"), .recipients = people(300, "grey.example.jp")});
  world.run_until(25min);
  CHECK(world.states(id) == SimWorld::States{{State::delivered, 300}});
  CHECK(world.ledger().tallies["grey"].recipients.size() <= 900);
  world.stop();
  check_sound(world);
}

TEST_CASE("docomo's limit of a session is never reached") {
  SimWorld world(script(R"(
provider docomo
  domains docomo.ne.jp
  host mfsmax.docomo.ne.jp 127.0.20.1
  recipients 100 cut 554 5.3.0 Transaction failed
  connections 3 421 4.3.2 Service busy
)"));
  world.start();
  auto id = world.enqueue({.text = notice_text("n"), .recipients = people(1'000, "docomo.ne.jp")});
  world.run_until(15min);
  CHECK(world.states(id) == SimWorld::States{{State::delivered, 1'000}});
  const auto& tally = world.ledger().tallies["docomo"];
  CHECK(tally.most_recipients <= 100);
  CHECK(tally.most_connections <= 3);
  CHECK(tally.refusals.empty());
  world.stop();
  check_sound(world);
}

TEST_CASE("limits that nobody told us are met once and then kept") {
  SimWorld world(script(R"(
provider strict
  domains strict.example.com
  host mx.strict.example.com 127.0.20.1
  latency end fixed 100ms
  connections 1 421 4.7.0 Too many connections from you
  messages 5 421 4.7.0 Too many messages for this session
)"));
  world.start();
  auto id =
      world.enqueue({.text = notice_text("n"), .recipients = people(200, "strict.example.com")});
  world.run_until(2h);
  CHECK(world.states(id) == SimWorld::States{{State::delivered, 200}});
  int refused = 0;
  for (const auto& [words, count] : world.ledger().tallies["strict"].refusals) refused += count;
  CHECK(refused < 100);
  world.stop();
  check_sound(world);
}

// Whatever a receiver does, one attempt ends in bounded time, the recipient waits or has failed,
// and the next mail to others goes on.
TEST_CASE("hostile behaviour costs one bounded attempt") {
  struct Trick {
    std::string rule;
    State after = State::waiting;
  };
  std::vector<Trick> tricks;
  for (const char* stage : {"connect", "ehlo", "mail", "rcpt", "data", "end"})
    for (const char* act : {"close", "reset", "silence", "garbage", "endless", "chatter"})
      tricks.push_back({fmt::format("{} {}", stage, act)});
  tricks.push_back({"connect refuse"});
  tricks.push_back({"connect timeout"});
  tricks.push_back({"latency connect fixed 9min"});
  tricks.push_back({"latency end fixed 4min", State::delivered});
  tricks.push_back({"unsteady"});
  tricks.push_back({"offers PIPELINING CHUNKING AUTH STARTTLS \"SIZE 0\"", State::delivered});
  tricks.push_back({"ehlo 500 5.5.1 What", State::delivered});
  tricks.push_back({"end 550 5.1.1 User unknown", State::failed});
  std::string text;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < tricks.size(); ++i) {
    text += fmt::format(
        "provider p{0}\n domains d{0}.example.com\n host mx.d{0}.example.com "
        "127.0.21.{1}\n {2}\n",
        i, i + 1, tricks[i].rule);
    all.push_back(fmt::format("ann@d{}.example.com", i));
  }
  SimWorld world(script(text));
  world.start();
  auto id = world.enqueue({.text = notice_text("n"), .recipients = all});
  // The longest timeout is that for the answer to the final dot, of ten minutes.
  world.run_until(31min);
  auto states = world.by_address(id);
  for (std::size_t i = 0; i < tricks.size(); ++i) {
    CAPTURE(tricks[i].rule);
    auto events = world.events({id, static_cast<int>(i) + 1});
    auto is_end = [](const EventRow& event) { return event.kind != EventKind::begun; };
    auto end = std::ranges::find_if(events, is_end);
    REQUIRE(end != events.end());
    CHECK(end->at - world.began <= 10min + 1s);
    auto state = states.at(all[i]);
    CHECK((state == tricks[i].after || state == State::sending));
    CHECK(world.ledger().tallies[fmt::format("p{}", i)].calls.size() <= 5);
  }
  world.stop();
  check_sound(world);
}

TEST_CASE("late bounces find their recipients, and mail is dropped without a word") {
  SimWorld world(script(R"(
provider one
  domains one.example.com
  host mx.one.example.com 127.0.20.1
  bounce rfc3464 after 10min to late-*
  bounce qmail after 3h to old-*
  discard to filtered-*
provider au
  domains au.com
  host msmx.au.com 127.0.20.2
  bounce ezweb after 20min
provider biglobe
  domains mta.biglobe.ne.jp
  host mx.biglobe.ne.jp 127.0.20.3
  bounce biglobe after 20min
)"));
  world.start();
  const std::vector<std::string> all{
      "late-1@one.example.com", "old-1@one.example.com", "filtered-1@one.example.com",
      "ann@one.example.com",    "member@au.com",         "member@mta.biglobe.ne.jp"};
  auto id = world.enqueue({.text = notice_text("n"),
                           .recipients = all,
                           .return_path = queue::ReturnPath::per_recipient});
  world.run_until(1min);
  CHECK(world.states(id) == SimWorld::States{{State::delivered, 6}});
  auto fates = world.ledger().fates("one");
  CHECK(fates[Fate::bounced] == 2);
  CHECK(fates[Fate::discarded] == 1);
  CHECK(world.deliver_bounces() == 0);
  world.run_until(1h);
  CHECK(world.deliver_bounces() == 3);
  world.run_until(4h);
  CHECK(world.deliver_bounces() == 1);
  auto states = world.by_address(id);
  CHECK(states[all[0]] == State::returned);
  CHECK(states[all[1]] == State::returned);
  CHECK(states[all[2]] == State::delivered);  // as far as anybody can know
  CHECK(states[all[3]] == State::delivered);
  CHECK(states[all[4]] == State::returned);
  CHECK(states[all[5]] == State::returned);
  using provider::ReplyClass;
  auto class_of = [&](int number) {
    return static_cast<ReplyClass>(world.events({id, number}).back().reply_class);
  };
  CHECK(class_of(1) == ReplyClass::gone);
  CHECK(class_of(2) == ReplyClass::gone);
  CHECK(class_of(5) == ReplyClass::full);
  CHECK(class_of(6) == ReplyClass::filtered);
  world.stop();
  check_sound(world);
}

TEST_CASE("stopping and starting loses nobody and repeats nothing") {
  SimWorld world(script(R"(
provider one
  domains one.example.com
  host mx.one.example.com 127.0.20.1
  latency end exponential 500ms
  20% rcpt 451 4.3.0 Not now
provider grey
  domains grey.example.jp
  host mx.grey.example.jp 127.0.20.2
  greylist 5min
)"));
  world.start();
  auto all = people(500, "one.example.com");
  for (auto& one : people(200, "grey.example.jp")) all.push_back(std::move(one));
  auto id = world.enqueue({.text = notice_text("n"), .recipients = all});
  for (int i = 0; i < 10; ++i) {
    world.run_for(7s);
    world.restart();
  }
  CHECK(world.states(id)[State::delivered] < 700);
  world.run_until(4h);
  CHECK(world.states(id) == SimWorld::States{{State::delivered, 700}});
  world.stop();
  check_sound(world);
}

TEST_CASE("a kill at any moment leaves each recipient in one state, and repeats nothing") {
  SimWorld world(script(R"(
provider one
  domains one.example.com
  host mx.one.example.com 127.0.20.1
  latency end exponential 300ms
  20% rcpt 451 4.3.0 Not now
provider docomo
  domains docomo.ne.jp
  host mfsmax.docomo.ne.jp 127.0.20.2
  latency end exponential 500ms
)"));
  world.start();
  auto all = people(400, "one.example.com");
  for (auto& one : people(300, "docomo.ne.jp")) all.push_back(std::move(one));
  auto id = world.enqueue({.text = notice_text("n"), .recipients = all});
  int in_flight = 0;
  for (int i = 0; i < 25; ++i) {
    world.run_for(std::chrono::milliseconds(731 + 97 * i));
    in_flight += world.states(id)[State::sending];
    world.crash();
  }
  world.run_until(4h);
  auto states = world.states(id);
  CHECK(in_flight > 0);
  CHECK(states[State::in_doubt] <= in_flight);
  CHECK(states[State::delivered] + states[State::in_doubt] == 700);
  // Those in doubt may have it or not; the others have it once.
  std::map<std::string, int> copies;
  for (const auto& receipt : world.ledger().receipts) ++copies[receipt.recipient];
  int in_doubt_with_copy = 0;
  for (const auto& [address, state] : world.by_address(id)) {
    CAPTURE(address);
    if (state == State::delivered) CHECK(copies[address] == 1);
    if (state != State::in_doubt) continue;
    CHECK(copies[address] <= 1);
    in_doubt_with_copy += copies[address];
  }
  CHECK(in_doubt_with_copy > 0);
  CHECK(in_doubt_with_copy < states[State::in_doubt]);
  CHECK(world.ledger().faults == std::map<std::string, int>{});
  world.stop();
}
