#include "queue/return_desk.h"

#include "queue/test_scene.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;
using test::Rows;

namespace {

const provider::Book& book = provider::Book::built_in();

std::string notice(std::string_view status, std::string_view words,
                   std::string_view action = "failed") {
  return fmt::format(
      "From: MAILER-DAEMON@a.example\r\nContent-Type: multipart/report; "
      "report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: "
      "text/plain\r\n\r\nSorry.\r\n"
      "--x\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a.example\r\n\r\n"
      "Final-Recipient: rfc822; one@a.example\r\nAction: {}\r\nStatus: {}\r\n"
      "Diagnostic-Code: smtp; {}\r\n\r\n--x--\r\n",
      action, status, words);
}

struct Scene : Rows {
  ReturnDesk desk{book, "secret"};
  std::int64_t message = enqueue({.from = "news@home.example", .to = {"one@a.example"}});
  RecipientId id{message, 1};

  void set(State state) {
    write([&](sql::Tx& tx) {
      tx.run("update queue_recipient set state = $1", state);
      tx.run("update queue_message set remaining = 0");
    });
  }
  // What comes to the return path becomes an event.
  void come(std::string text) {
    auto returned = desk.read(text, {});
    write([&](sql::Tx& tx) {
      Consequences consequences;
      CHECK(desk.write(tx, id, returned, ids.next(), clock.now(), consequences));
    });
  }
};

}  // namespace

TEST_CASE("a return path says whose it is, in any case, and only ours do") {
  Scene scene;
  Message message{.id = scene.message, .reverse_path = "news@home.example"};
  auto address = scene.desk.address_of(message, scene.id);
  CHECK(address.starts_with("b+"));
  CHECK(address.ends_with("@home.example"));
  auto path = smtp::parse_address(address).value();
  CHECK(scene.desk.recipient_of(path) == scene.id);
  auto shouted = path;
  for (char& c : shouted.local) c = static_cast<char>(std::toupper(c));
  CHECK(scene.desk.recipient_of(shouted) == scene.id);
  // Forged: another secret, a changed character, no token.
  CHECK_FALSE(ReturnDesk(book, "other").recipient_of(path));
  auto changed = path;
  changed.local.back() = changed.local.back() == 'a' ? 'b' : 'a';
  CHECK_FALSE(scene.desk.recipient_of(changed));
  CHECK_FALSE(scene.desk.recipient_of({.local = "b+", .domain = "home.example"}));
  CHECK_FALSE(scene.desk.recipient_of({.local = "news", .domain = "home.example"}));
}

TEST_CASE("a notice of failure takes a delivery back, with its class") {
  Scene scene;
  scene.set(State::delivered);
  scene.come(notice("5.1.1", "550 5.1.1 User unknown"));
  CHECK(scene.state(scene.id) == State::returned);
  CHECK(scene.count("select reply_class from queue_event") ==
        static_cast<int>(provider::ReplyClass::gone));
  // Once more changes nothing, and is written down.
  scene.come(notice("5.1.1", "550 5.1.1 User unknown"));
  CHECK(scene.state(scene.id) == State::returned);
  CHECK(scene.events(scene.id).size() == 2);
}

TEST_CASE("a notice of delay is no failure, a complaint and a vacation are none either") {
  Scene scene;
  scene.set(State::delivered);
  scene.come(notice("4.4.1", "connection timed out", "delayed"));
  CHECK(scene.state(scene.id) == State::delivered);
  scene.come(
      "From: one@a.example\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nAway.\r\n");
  CHECK(scene.state(scene.id) == State::delivered);
  CHECK(scene.events(scene.id) == std::vector{EventKind::returned_late, EventKind::answered});
  CHECK(scene.count("select count(*) from queue_notice") == 0);
}

TEST_CASE("an answer settles a doubt, an ordinary mail says nothing") {
  Scene scene;
  scene.set(State::in_doubt);
  scene.come("From: one@a.example\r\nSubject: Re: a\r\n\r\nThanks.\r\n");
  CHECK(scene.state(scene.id) == State::in_doubt);
  CHECK(scene.events(scene.id).empty());
  scene.come(
      "From: one@a.example\r\nAuto-Submitted: auto-replied\r\nSubject: away\r\n\r\nAway.\r\n");
  CHECK(scene.state(scene.id) == State::delivered);
}

TEST_CASE("a complaint is found by the return path in the mail that it returns") {
  Scene scene;
  scene.set(State::delivered);
  Message message{.id = scene.message, .reverse_path = "news@home.example"};
  auto report = [](const std::string& path) {
    return fmt::format(
        "From: fbl@provider.example\r\nContent-Type: multipart/report; "
        "report-type=feedback-report; boundary=x\r\n\r\n--x\r\nContent-Type: "
        "text/plain\r\n\r\nSpam.\r\n"
        "--x\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        "User-Agent: x/1\r\nVersion: 1\r\nOriginal-Mail-From: <{}>\r\n\r\n--x\r\n"
        "Content-Type: message/rfc822\r\n\r\nFrom: news@home.example\r\nSubject: "
        "a\r\n\r\nb\r\n--x--\r\n",
        path);
  };
  auto ours = scene.desk.read(report(scene.desk.address_of(message, scene.id)), {});
  CHECK(scene.desk.recipient_of(ours) == scene.id);
  CHECK_FALSE(scene.desk.recipient_of(scene.desk.read(report("news@home.example"), {})));
  scene.come(report(scene.desk.address_of(message, scene.id)));
  CHECK(scene.events(scene.id) == std::vector{EventKind::complained});
  CHECK(scene.state(scene.id) == State::delivered);
}
