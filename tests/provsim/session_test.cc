#include "provsim/session.h"

#include "base/ascii.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::provsim;
using namespace std::chrono_literals;

namespace {

constexpr Time start = Time(std::chrono::days(20'000));

// A conversation with the only provider of a script, without time.
struct Talk {
  explicit Talk(std::string_view rules)
      : providers(parse_script("provider p\n domains p.example\n host mx.p.example 127.0.9.1\n" +
                               std::string(rules))
                      .value(),
                  start) {
    call();
  }
  void call() {
    machine.reset();
    auto& provider = *providers.at("127.0.9.1");
    auto act = provider.call("192.0.2.1", now);
    is_refused = act.kind == Act::Kind::refuse || act.kind == Act::Kind::timeout;
    if (is_refused) return;
    machine = std::make_unique<SessionMachine>(provider, "mx.p.example", "192.0.2.1", act);
    greeting = text(machine->open(now));
  }
  std::string say(std::string_view bytes) { return text(machine->receive(bytes, now)); }
  std::string text(const std::vector<Action>& actions) {
    std::string all;
    for (const auto& action : actions) {
      all += action.bytes;
      if (action.kind == Action::Kind::close) all += "(close)";
      if (action.kind == Action::Kind::reset) all += "(reset)";
      took += action.after;
    }
    return all;
  }
  std::string send(const std::string& to, const std::string& id = "1") {
    return say("MAIL FROM:<a@b.example>\r\nRCPT TO:<" + to + ">\r\nDATA\r\n") +
           say("Message-ID: <" + id + ">\r\n\r\nx\r\n.\r\n");
  }
  Ledger& ledger() { return providers.ledger(); }

  Providers providers;
  std::unique_ptr<SessionMachine> machine;
  std::string greeting;
  bool is_refused = false;
  Time now = start;
  microseconds took{0};
};

}  // namespace

TEST_CASE("a message, pipelined and in single bytes") {
  const std::string conversation =
      "EHLO a.example\r\nMAIL FROM:<a@b.example> SIZE=10\r\nRCPT TO:<c@p.example>\r\n"
      "RCPT TO:<\"d>..\"@p.example>\r\nDATA\r\n";
  const std::string body = "Message-ID: <1@b>\r\n\r\n..one\r\n..\r\n.\r\nQUIT\r\n";
  for (bool is_slow : {false, true}) {
    Talk talk("");
    CHECK(talk.greeting == "220 mx.p.example ESMTP\r\n");
    std::string heard;
    auto say = [&](std::string_view bytes) {
      if (!is_slow) heard += talk.say(bytes);
      for (char c : bytes)
        if (is_slow) heard += talk.say({&c, 1});
    };
    say("EHLO a.example\r\n");
    say(conversation.substr(16));
    say(body);
    CHECK(
        heard.ends_with("250 SMTPUTF8\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n"
                        "354 Go on\r\n250 2.0.0 Ok: queued as 1\r\n221 2.0.0 Bye\r\n(close)"));
    REQUIRE(talk.ledger().receipts.size() == 2);
    const auto& receipt = talk.ledger().receipts[1];
    CHECK(receipt.recipient == "\"d>..\"@p.example");
    CHECK(receipt.message_id == "<1@b>");
    CHECK(receipt.reverse_path == "a@b.example");
    CHECK(talk.ledger().faults.empty());
    // The dots are taken away once: the text is what it would be without them.
    Talk plain("");
    plain.say("EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@p.example>\r\nDATA\r\n");
    plain.say("Message-ID: <1@b>\r\n\r\n.one\r\n..\r\n.\r\n");
    CHECK(plain.ledger().receipts[0].hash != receipt.hash);
  }
}

TEST_CASE("faults of ours are noted") {
  Talk talk("offers 8BITMIME");
  talk.say("EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<a@elsewhere.example>\r\n");
  CHECK(talk.ledger().faults.contains("pipelining that was not offered"));
  CHECK(talk.ledger().faults.contains("mail for a domain of others"));
  talk.say("RCPT TO:<a@p.example>\r\n");
  talk.say("DATA\r\nearly");
  CHECK(talk.ledger().faults.contains("something behind DATA before its reply"));
  talk.say("\nline\r\n.\r\n");
  CHECK(talk.ledger().faults.contains("a bare line feed in the text"));
  CHECK(talk.ledger().faults.contains("no Message-ID"));
  talk.say("DATA\r\nWHAT\r\n");
  CHECK(talk.ledger().faults.contains("an unknown command: WHAT"));
}

TEST_CASE("rules by stage, recipient and chance") {
  Talk talk(
      "rcpt to gone-* 550 5.1.1 Unknown user\n end to filtered-* 550 5.2.0 Unknown user\n"
      "data to never-* 451 4.3.0 No\n 50% mail 451 4.7.1 Perhaps\n");
  talk.say("EHLO a\r\n");
  int refused = 0;
  for (int i = 0; i < 1000; ++i)
    if (talk.say("RSET\r\nMAIL FROM:<a@b>\r\n").contains("451")) ++refused;
  CHECK(refused > 450);
  CHECK(refused < 550);
  talk.say("RSET\r\n");
  while (talk.say("MAIL FROM:<a@b>\r\n").starts_with('4')) continue;
  CHECK(talk.say("RCPT TO:<gone-1@p.example>\r\n") == "550 5.1.1 Unknown user\r\n");
  CHECK(talk.say("DATA\r\n") == "554 5.5.1 No recipients\r\n");
  CHECK(talk.say("RCPT TO:<Filtered-1@p.example>\r\n").starts_with("250"));
  CHECK(talk.say("DATA\r\n").starts_with("354"));
  CHECK(talk.say(".\r\n") == "550 5.2.0 Unknown user\r\n");
  CHECK(talk.ledger().receipts.empty());
  CHECK(talk.ledger().tallies.at("p").refusals.at("RCPT: 550 5.1.1 Unknown user") == 1);
}

TEST_CASE("what servers do besides replying") {
  CHECK(Talk("connect 421 4.7.0 Busy").greeting == "421 4.7.0 Busy\r\n(close)");
  CHECK(Talk("connect cut 554 No").greeting == "554 No\r\n(close)");
  CHECK(Talk("connect reset").greeting == "(reset)");
  CHECK(Talk("connect close").greeting == "(close)");
  CHECK(Talk("connect silence").greeting.empty());
  CHECK(Talk("connect garbage").greeting.starts_with("HTTP"));
  CHECK(Talk("connect endless").greeting.size() == 1 << 20);
  CHECK(Talk("connect chatter").greeting.starts_with("250-Please wait\r\n250-"));
  CHECK(Talk("connect refuse").is_refused);
  CHECK(Talk("connect timeout").is_refused);
  Talk silent("connect silence");
  CHECK(silent.say("EHLO a\r\n").empty());
  Talk unsteady("unsteady");
  unsteady.say("EHLO a\r\n");
  CHECK(unsteady.say("MAIL FROM:<a@b>\r\nRCPT TO:<c@p.example>\r\n") == "250 2.1.0 Ok\r\n");
}

TEST_CASE("limits") {
  SUBCASE("of connections") {
    Talk talk("connections 1 reset");
    auto& provider = *talk.providers.at("127.0.9.1");
    CHECK(provider.call("192.0.2.1", talk.now).kind == Act::Kind::reset);
    CHECK(provider.call("192.0.2.2", talk.now).kind == Act::Kind::pass);
    provider.left("192.0.2.1");
    talk.call();
    CHECK(talk.greeting.starts_with("220"));
    CHECK(talk.ledger().tallies.at("p").most_connections == 3);
  }
  SUBCASE("of messages") {
    Talk talk("messages 1 421 4.7.0 Enough");
    talk.say("EHLO a\r\n");
    CHECK(talk.send("c@p.example").contains("queued"));
    CHECK(talk.say("MAIL FROM:<a@b>\r\n") == "421 4.7.0 Enough\r\n(close)");
  }
  SUBCASE("of recipients: what was taken before is lost too") {
    Talk talk("recipients 2 554 Transaction failed");
    talk.say("EHLO a\r\n");
    talk.send("c@p.example", "1");
    talk.send("c@p.example", "2");
    CHECK(talk.ledger().fates("p").at(Fate::delivered) == 2);
    CHECK(talk.send("c@p.example", "3").contains("554 Transaction failed\r\n(close)"));
    CHECK(talk.ledger().fates("p").at(Fate::lost) == 2);
  }
  SUBCASE("of messages in a time") {
    Talk talk("overload 2 per 1min reset");
    talk.say("EHLO a\r\n");
    talk.send("c@p.example", "1");
    talk.send("c@p.example", "2");
    talk.call();
    CHECK(talk.greeting == "(reset)");
    talk.now += 61s;
    talk.call();
    CHECK(talk.greeting.starts_with("220"));
  }
}

TEST_CASE("greylisting") {
  Talk talk("greylist 5min");
  talk.say("EHLO a\r\nMAIL FROM:<a@b>\r\n");
  CHECK(talk.say("RCPT TO:<c@p.example>\r\n").starts_with("451 4.7.1"));
  talk.now += 4min;
  CHECK(talk.say("RCPT TO:<c@p.example>\r\n").starts_with("451 4.7.1"));
  talk.now += 1min;
  CHECK(talk.say("RCPT TO:<c@p.example>\r\n").starts_with("250"));
  CHECK(talk.say("RCPT TO:<d@p.example>\r\n").starts_with("451"));
}

TEST_CASE("phases") {
  Talk talk(
      "phase 0h\n mail 421 4.7.28 Slow down\n phase 62h\n mail 550 5.7.1 Blocked\n phase 126h");
  talk.say("EHLO a\r\n");
  CHECK(talk.say("MAIL FROM:<a@b>\r\n") == "421 4.7.28 Slow down\r\n(close)");
  talk.now = start + 62h;
  talk.call();
  talk.say("EHLO a\r\n");
  CHECK(talk.say("MAIL FROM:<a@b>\r\n") == "550 5.7.1 Blocked\r\n");
  talk.now = start + 126h;
  CHECK(talk.say("MAIL FROM:<a@b>\r\n") == "250 2.1.0 Ok\r\n");
}

TEST_CASE("mail that is dropped, and notices that come late") {
  Talk talk(
      "discard to filter-*\n bounce rfc3464 after 10min to late-*\n bounce ezweb after 1h to au-*\n"
      "bounce biglobe after 1h to big-*\n bounce qmail after 1h to q-*");
  talk.say("EHLO a\r\n");
  for (const char* who : {"filter-1", "late-1", "au-1", "big-1", "q-1", "ann"})
    CHECK(talk.send(who + std::string("@p.example"), who).contains("queued"));
  auto fates = talk.ledger().fates("p");
  CHECK(fates.at(Fate::discarded) == 1);
  CHECK(fates.at(Fate::bounced) == 4);
  CHECK(fates.at(Fate::delivered) == 1);
  const auto& bounces = talk.ledger().bounces;
  REQUIRE(bounces.size() == 4);
  CHECK(bounces[0].due == start + 10min);
  CHECK(bounces[0].to == "a@b.example");
  CHECK(bounces[0].text.contains("Final-Recipient: rfc822; late-1@p.example\r\n"));
  CHECK(bounces[0].text.contains("Message-ID: <late-1>"));
  CHECK(bounces[1].text.contains("Subject: Mail System Error - Returned Mail"));
  CHECK(bounces[2].text.contains("Mail Delivery Failed... User unknown"));
  CHECK(bounces[3].text.contains("Hi. This is the qmail-send program"));
  for (const auto& bounce : bounces) CHECK(bounce.text.contains("@p.example>"));
  talk.send("ann@p.example", "ann");
  CHECK(talk.ledger().twice() == std::vector<std::string>{"ann@p.example <ann>"});
  auto lines = talk.ledger().to_json_lines();
  CHECK(lines.contains("\"fate\":\"discarded\""));
  CHECK(lines.contains("{\"tally\":\"p\",\"calls\":1,\"messages\":7,"));
}

TEST_CASE("latency has the shape that was asked for, and the same each time") {
  const std::string script =
      "latency mail fixed 1s\n latency rcpt exponential 1s\n latency ehlo pareto 1s";
  Talk one(script), two(script);
  auto& provider = *one.providers.at("127.0.9.1");
  auto& same = *two.providers.at("127.0.9.1");
  double sum = 0, least = 1e9, tail = 0;
  for (int i = 0; i < 10'000; ++i) {
    CHECK(provider.latency(Stage::mail, start) == 1s);
    auto rcpt = provider.latency(Stage::rcpt, start), ehlo = provider.latency(Stage::ehlo, start);
    CHECK(rcpt == (same.latency(Stage::mail, start), same.latency(Stage::rcpt, start)));
    CHECK(ehlo == same.latency(Stage::ehlo, start));
    sum += std::chrono::duration<double>(rcpt).count();
    least = std::min(least, std::chrono::duration<double>(ehlo).count());
    tail = std::max(tail, std::chrono::duration<double>(ehlo).count());
  }
  CHECK(sum / 10'000 == doctest::Approx(1).epsilon(0.05));
  CHECK(least >= 1);
  CHECK(tail > 50);
}
