#include "queue/queue.h"

#include "queue/test_scene.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;
using namespace std::chrono_literals;
using test::Scene;

namespace {

struct Letterbox final : Postman {
  Task<Result<>> post(std::string to, std::string text) override {
    if (refuses) co_return fail(Errc::unavailable, "not now");
    letters.emplace_back(std::move(to), std::move(text));
    co_return Result<>();
  }
  bool refuses = false;
  std::vector<std::pair<std::string, std::string>> letters;
};

}  // namespace

TEST_CASE("a message is sent, once, and its text is given up") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  auto id = scene.enqueue({.text = "Return-Path: <x@y>\r\nSubject: hello\r\n\r\n.dot\r\n",
                           .to = {"one@a.example", "two@a.example"}});
  scene.go();
  for (int number : {1, 2}) {
    CHECK(scene.state({id, number}) == State::delivered);
    CHECK(scene.events({id, number}) == std::vector{EventKind::begun, EventKind::delivered});
  }
  CHECK(scene.servers.text == "Subject: hello\n\n..dot\n");  // in one transaction
  CHECK(scene.servers.dialled == 1);
  CHECK(scene.count("select count(*) from blob") == 0);
  CHECK(scene.count("select remaining from queue_message") == 0);
  CHECK(scene.count("select count(*) from queue_connection") == 1);
}

TEST_CASE("mail that comes while the queue runs is sent at once, over the same connection") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  scene.go();
  auto first = scene.enqueue({.to = {"one@a.example"}});
  scene.settle();
  auto second = scene.enqueue({.to = {"two@a.example"}});
  scene.settle();
  CHECK(scene.state({first, 1}) == State::delivered);
  CHECK(scene.state({second, 1}) == State::delivered);
  CHECK(scene.servers.dialled == 1);
}

TEST_CASE("a server that cannot be reached is tried again, in its own time") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  bool is_down = true;
  scene.servers.refuse = [&](const std::string&) -> std::optional<net::DialFailure> {
    if (!is_down) return {};
    return net::DialFailure{net::DialFailure::Kind::refused, "connection refused"};
  };
  auto id = scene.enqueue({.to = {"one@a.example"}});
  scene.go();
  CHECK(scene.state({id, 1}) == State::waiting);
  CHECK(scene.events({id, 1}) == std::vector{EventKind::deferred});
  scene.pass(3h);
  auto tried = scene.servers.dialled;
  CHECK(tried >= 4);
  CHECK(tried <= 12);
  is_down = false;
  scene.pass(2h);
  CHECK(scene.state({id, 1}) == State::delivered);
}

TEST_CASE("a refusal for good ends it, one for now does not") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  scene.servers.answer = [](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT TO:<gone@")) return "550 5.1.1 User unknown";
    if (line.starts_with("RCPT TO:<later@")) return "452 4.2.2 Mailbox full";
    return test::polite(line);
  };
  auto id = scene.enqueue({.to = {"gone@a.example", "later@a.example", "here@a.example"}});
  scene.go();
  CHECK(scene.state({id, 1}) == State::failed);
  CHECK(scene.state({id, 2}) == State::waiting);
  CHECK(scene.state({id, 3}) == State::delivered);
  CHECK(scene.count("select reply_class from queue_event where kind = 4") == 1);
  CHECK(scene.count("select count(*) from queue_notice where action = 1") == 1);
  CHECK(scene.count("select count(*) from blob") == 1);
}

TEST_CASE("what waits too long expires, with the last answer as its cause") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  scene.servers.answer = [](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "451 4.3.0 try later";
    return test::polite(line);
  };
  auto id = scene.enqueue({.to = {"one@a.example"}});
  auto firm = scene.enqueue({.to = {"two@a.example"}, .useful_until = test::start + 5h});
  scene.go();
  scene.pass(5h + 2min);
  CHECK(scene.state({firm, 1}) == State::expired);
  CHECK(scene.state({id, 1}) == State::waiting);
  scene.pass(5 * 24h);
  CHECK(scene.state({id, 1}) == State::expired);
  CHECK(scene.count("select count(*) from queue_event where kind = 6 and code = 451") == 2);
}

TEST_CASE("held mail does not grow older") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  auto id = scene.enqueue({.to = {"one@a.example"}});
  auto firm = scene.enqueue({.to = {"two@a.example"}, .useful_until = test::start + 24h});
  block_on(scene.control.hold({"", 0}, "admin", "maintenance")).value();
  scene.go();
  CHECK(scene.servers.dialled == 0);
  CHECK_FALSE(block_on(scene.control.hold({"", 0}, "admin", "again")));
  scene.jump(10 * 24h);
  CHECK(scene.state({id, 1}) == State::waiting);
  CHECK(scene.state({firm, 1}) == State::expired);
  block_on(scene.control.release({"", 0})).value();
  scene.settle();
  CHECK(scene.state({id, 1}) == State::delivered);
  CHECK_FALSE(block_on(scene.control.release({"", 0})));
}

TEST_CASE(
    "what was in flight when we stopped is in doubt, and is neither sent again nor forgotten") {
  Letterbox letterbox;
  Scene scene({}, &letterbox);
  scene.add_server("a.example", "192.0.2.1");
  auto id = scene.enqueue({.to = {"one@a.example", "two@a.example"}});
  scene.write([&](sql::Tx& tx) { begin_attempt(tx, {id, 1}, scene.ids.next(), 1, test::start); });
  scene.go();
  CHECK(scene.state({id, 1}) == State::in_doubt);
  CHECK(scene.state({id, 2}) == State::delivered);
  scene.pass(24h);
  CHECK(scene.state({id, 1}) == State::in_doubt);
  CHECK(scene.servers.dialled == 1);
  REQUIRE(letterbox.letters.size() == 1);
  CHECK(letterbox.letters[0].second.contains("Status: 4.4.2"));
  CHECK(block_on(scene.control.retry({.message_id = id}, "admin")) == 1);
  scene.settle();
  CHECK(scene.state({id, 1}) == State::delivered);
}

TEST_CASE("a domain that does not exist fails at once, trouble with DNS does not") {
  Scene scene;
  scene.resolver.fail("trouble.example");
  scene.resolver.null_mx("never.example");
  auto id = scene.enqueue({.to = {"a@nowhere.example", "b@trouble.example", "c@never.example"}});
  scene.go();
  CHECK(scene.state({id, 1}) == State::failed);
  CHECK(scene.state({id, 2}) == State::waiting);
  CHECK(scene.state({id, 3}) == State::failed);
  scene.pass(24h);
  CHECK(scene.state({id, 2}) == State::waiting);
  scene.resolver.clear("trouble.example");
  scene.add_server("trouble.example", "192.0.2.2");
  scene.pass(20min);
  CHECK(scene.state({id, 2}) == State::delivered);
}

TEST_CASE("commands end and renew what they are told") {
  Scene scene({.sends = false});
  scene.add_server("a.example", "192.0.2.1");
  auto id = scene.enqueue({.to = {"a@a.example", "b@a.example", "c@b.example"}});
  scene.go();
  CHECK(scene.servers.dialled == 0);
  CHECK(block_on(scene.control.cancel({.domain = "b.example"}, "admin")) == 1);
  CHECK(scene.state({id, 3}) == State::cancelled);
  CHECK(block_on(scene.control.expire({.message_id = id, .number = 2}, "admin")) == 1);
  CHECK(scene.state({id, 2}) == State::expired);
  CHECK_FALSE(block_on(scene.control.cancel({.domain = "c.example"}, "admin")));
  CHECK(scene.count("select count(*) from blob") == 1);
  CHECK(block_on(scene.control.cancel({.organisation_id = 1}, "admin")) == 1);
}

TEST_CASE("addresses with dots out of place go out quoted, then raw, and the form is remembered") {
  Scene scene;
  scene.add_server("docomo.ne.jp", "192.0.2.1");
  std::vector<std::string> tried;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) {
      tried.push_back(line);
      if (line.contains('"')) return "501 5.1.3 syntax";
    }
    return test::polite(line);
  };
  auto first = scene.enqueue({.to = {"a..b.@docomo.ne.jp"}});
  scene.go();
  auto second = scene.enqueue({.to = {"a..b.@docomo.ne.jp"}});
  scene.settle();
  CHECK(scene.state({first, 1}) == State::delivered);
  CHECK(scene.state({second, 1}) == State::delivered);
  CHECK(tried == std::vector<std::string>{R"(RCPT TO:<"a..b."@docomo.ne.jp>)",
                                          "RCPT TO:<a..b.@docomo.ne.jp>",
                                          "RCPT TO:<a..b.@docomo.ne.jp>"});
}

TEST_CASE("a provider that refuses us is asked rarely, and sent everything when it opens") {
  Scene scene;
  scene.resolver.add_mx("gmail.com", 10, "gmail-smtp-in.l.google.com")
      .add_a("gmail-smtp-in.l.google.com", "192.0.2.1");
  bool is_open = false;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT") && !is_open)
      return "421 4.7.28 Our system has detected an unusual rate of unsolicited mail";
    return test::polite(line);
  };
  Scene::Mail mail;
  for (int i = 0; i < 200; ++i) mail.to.push_back("m" + std::to_string(i) + "@gmail.com");
  auto id = scene.enqueue(mail);
  scene.go();
  scene.pass(100h);
  auto tried = scene.count("select count(*) from queue_event where kind = 3");
  CHECK(tried > 300);
  CHECK(tried < 600);
  CHECK(scene.count("select count(*) from queue_recipient where state = 0") == 200);
  is_open = true;
  scene.pass(30min);
  CHECK(scene.count("select count(*) from queue_recipient where state = 2") == 200);
  CHECK(scene.state({id, 200}) == State::delivered);
}

TEST_CASE("a sender is told once of all that failed together, and the text is kept until then") {
  Letterbox letterbox;
  Scene scene({}, &letterbox);
  scene.add_server("a.example", "192.0.2.1");
  scene.servers.answer = [](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "550 5.1.1 <x> User unknown";
    return test::polite(line);
  };
  letterbox.refuses = true;
  scene.enqueue({.to = {"one@a.example", "two@a.example"}});
  scene.enqueue({.from = "", .to = {"three@a.example"}});
  scene.enqueue({.to = {"four@a.example"}, .notify = smtp::Notify{}});
  scene.go();
  CHECK(scene.count("select count(*) from queue_recipient where state = 3") == 4);
  scene.pass(1min);
  CHECK(letterbox.letters.empty());
  CHECK(scene.count("select count(*) from blob") == 1);
  letterbox.refuses = false;
  scene.pass(10min);
  REQUIRE(letterbox.letters.size() == 1);
  CHECK(letterbox.letters[0].first == "sender@home.example");
  const auto& text = letterbox.letters[0].second;
  CHECK(text.contains("Final-Recipient: rfc822; one@a.example"));
  CHECK(text.contains("Final-Recipient: rfc822; two@a.example"));
  CHECK(text.contains("Action: failed"));
  CHECK(text.contains("Status: 5.1.1"));
  CHECK(text.contains("Subject: a"));
  CHECK(scene.count("select count(*) from blob") == 0);
  CHECK(scene.count("select count(*) from queue_notice") == 0);
}

TEST_CASE("a sender is told after four hours that it takes longer, and at the end that it failed") {
  Letterbox letterbox;
  Scene scene({}, &letterbox);
  scene.add_server("a.example", "192.0.2.1");
  scene.servers.answer = [](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("RCPT")) return "451 4.3.0 try later";
    return test::polite(line);
  };
  scene.enqueue({.to = {"one@a.example"}});
  scene.go();
  scene.pass(3h);
  CHECK(letterbox.letters.empty());
  scene.pass(2h);
  REQUIRE(letterbox.letters.size() == 1);
  CHECK(letterbox.letters[0].second.contains("Action: delayed"));
  CHECK(letterbox.letters[0].second.contains("Will-Retry-Until: "));
  scene.pass(5 * 24h);
  REQUIRE(letterbox.letters.size() == 2);
  CHECK(letterbox.letters[1].second.contains("Action: failed"));
  CHECK(letterbox.letters[1].second.contains("451"));
}

TEST_CASE("while nothing can be written, nothing is sent, and what was sent is written later") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  int texts = 0;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line == ".") {
      ++texts;
      scene.disk_full = true;
    }
    return test::polite(line);
  };
  auto first = scene.enqueue({.to = {"one@a.example"}});
  scene.go();
  CHECK(scene.state({first, 1}) == State::sending);
  scene.pass(10min);
  CHECK(texts == 1);
  scene.disk_full = false;
  scene.pass(10s);
  CHECK(scene.state({first, 1}) == State::delivered);
  auto second = scene.enqueue({.to = {"two@a.example"}});
  scene.pass(1min);
  CHECK(texts == 2);
  CHECK(scene.state({second, 1}) == State::sending);
  scene.disk_full = false;
  scene.pass(1min);
  CHECK(scene.state({second, 1}) == State::delivered);
  CHECK(texts == 2);
}

TEST_CASE("a row that cannot be begun is not sent, and is when it can") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  auto id = scene.enqueue({.to = {"one@a.example"}});
  bool is_open = false;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("EHLO")) scene.disk_full = !is_open;
    return test::polite(line);
  };
  scene.go();
  scene.pass(5min);
  CHECK(scene.servers.text.empty());
  is_open = true;
  scene.disk_full = false;
  scene.pass(20min);
  CHECK(scene.state({id, 1}) == State::delivered);
}

TEST_CASE("what is over can be asked for 30 days, and is then forgotten whole") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  scene.enqueue({.to = {"one@a.example", "two@a.example"}});
  scene.go();
  scene.jump(20 * 24h);
  auto later = scene.enqueue({.to = {"three@a.example"}});
  scene.jump(9 * 24h);
  CHECK(scene.count("select count(*) from queue_event") == 6);
  scene.jump(2 * 24h);
  CHECK(scene.count("select count(*) from queue_event") == 2);
  CHECK(scene.count("select count(*) from queue_recipient") == 1);
  CHECK(scene.state({later, 1}) == State::delivered);
  CHECK(scene.count("select count(*) from queue_message") == 1);
  scene.jump(62 * 24h);
  CHECK(scene.count("select count(*) from queue_connection") == 0);
}

TEST_CASE("whoever says retry is not kept waiting by a pause of ours") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  bool is_open = false;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("MAIL") && !is_open) return "550 5.7.1 blocked for spam";
    return test::polite(line);
  };
  auto id = scene.enqueue({.to = {"one@a.example"}});
  scene.go();
  scene.pass(5h);
  CHECK(scene.state({id, 1}) == State::waiting);
  is_open = true;
  CHECK(block_on(scene.control.retry({.message_id = id}, "admin")) == 1);
  scene.settle();
  CHECK(scene.state({id, 1}) == State::delivered);
}

TEST_CASE("recipients of one message at one server share transactions") {
  Scene scene;
  scene.add_server("a.example", "192.0.2.1");
  int transactions = 0;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("MAIL")) ++transactions;
    return test::polite(line);
  };
  Scene::Mail mail;
  for (int i = 0; i < 100; ++i) mail.to.push_back("m" + std::to_string(i) + "@a.example");
  scene.enqueue(mail);
  scene.go();
  scene.pass(10s);
  CHECK(scene.count("select count(*) from queue_recipient where state = 2") == 100);
  auto most = provider::Book::built_in().generic().limits.recipients_per_transaction;
  CHECK(transactions <= 100 / most + 100 / 64 + 2);
}
