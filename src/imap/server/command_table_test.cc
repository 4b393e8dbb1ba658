#include "imap/server/command_table.h"

#include "base/encoding.h"
#include "delivery/delivery.h"
#include "imap/server/server.h"
#include "net/memory_stream.h"
#include "support/world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

using namespace todoke;
using namespace todoke::imap;

namespace {

const std::string ann = "ann@example.test";
const std::string bob = "bob@example.test";

// A command of each row, right in the states that the row allows.
const std::pair<std::string_view, std::string> examples[] = {
    {"CAPABILITY", "CAPABILITY"},
    {"NOOP", "NOOP"},
    {"LOGOUT", "LOGOUT"},
    {"ID", "ID NIL"},
    {"STARTTLS", "STARTTLS"},
    {"AUTHENTICATE",
     "AUTHENTICATE PLAIN " + base64_encode(std::string_view("\0ann@example.test\0secret", 24))},
    {"LOGIN", "LOGIN ann@example.test secret"},
    {"UNAUTHENTICATE", "UNAUTHENTICATE"},
    {"ENABLE", "ENABLE CONDSTORE"},
    {"SELECT", "SELECT INBOX"},
    {"CREATE", "CREATE New"},
    {"DELETE", "DELETE New"},
    {"RENAME", "RENAME Box Crate"},
    {"SUBSCRIBE", "SUBSCRIBE INBOX"},
    {"UNSUBSCRIBE", "UNSUBSCRIBE INBOX"},
    {"LIST", "LIST \"\" *"},
    {"LSUB", "LSUB \"\" *"},
    {"NAMESPACE", "NAMESPACE"},
    {"STATUS", "STATUS INBOX (MESSAGES)"},
    {"APPEND", "APPEND INBOX {3+}\r\nabc"},
    {"IDLE", "IDLE\r\nDONE"},
    {"CHECK", "CHECK"},
    {"CLOSE", "CLOSE"},
    {"UNSELECT", "UNSELECT"},
    {"EXPUNGE", "EXPUNGE"},
    {"SEARCH", "SEARCH ALL"},
    {"FETCH", "FETCH 1 FLAGS"},
    {"STORE", "STORE 1 FLAGS ()"},
    {"COPY", "COPY 1 INBOX"},
    {"MOVE", "MOVE 1 INBOX"},
    {"GETQUOTA", "GETQUOTA account"},
    {"GETQUOTAROOT", "GETQUOTAROOT INBOX"},
    {"SETQUOTA", "SETQUOTA account ()"},
};

struct Situation {
  std::string_view name;
  State state;
  store::Rights rights;
  std::string before;
};
const std::string login = "l LOGIN ann@example.test secret\r\n";
const std::array<Situation, 4> situations{{
    {"not authenticated", not_authenticated, 0, ""},
    {"authenticated", authenticated, 0, login},
    {"read-only", selected, store::right_read, login + "s EXAMINE INBOX\r\n"},
    {"read-write", selected,
     store::right_read | store::right_insert | store::right_expunge | store::right_flags,
     login + "s SELECT INBOX\r\n"},
}};

struct Scene {
  Scene() {
    world.add_account(ann, "secret");
    world.change(ann, {.quota_bytes = 1 << 20});
    world.add_account(bob, "secret");
  }
  // What the session answers to commands.
  std::string play(const std::string& input) {
    net::MemoryStream io(input);
    try {
      block_on(serve(server, io, PlainTextLogin::allowed));
    } catch (const net::Closed&) {
      // The input has ended.
    }
    return io.output();
  }
  // The tagged answer to the last command, without its tag, and what came before it.
  std::pair<std::string, std::string> ask(const Situation& situation, const std::string& command) {
    auto output = play(situation.before + "t " + command + "\r\n");
    auto begin = output.find("\r\nt ");
    REQUIRE_MESSAGE(begin != output.npos, output);
    auto end = output.find("\r\n", begin + 4);
    auto head = output.substr(0, begin);
    if (auto selected = head.find("\r\ns OK"); selected != head.npos) head.erase(0, selected);
    return {output.substr(begin + 4, end - begin - 4), head};
  }

  test::World world;
  delivery::Delivery delivery{*world.db,       *world.blobs, world.store,
                              world.directory, world.clock,  world.ids};
  Server server{.store = world.store,
                .directory = world.directory,
                .delivery = delivery,
                .clock = world.clock,
                .ids = world.ids,
                .tls = &test::test_tls(),
                .host = "mail.example.test"};
};

std::string with_name(std::string text, std::string_view name) {
  for (auto at = text.find(name); at != text.npos; at = text.find(name, at))
    text.replace(at, name.size(), "?");
  return text;
}

}  // namespace

// RFC 9051 §3.
TEST_CASE("commands: refused exactly where the table says so") {
  Scene scene;
  for (const auto& rule : command_table()) {
    CAPTURE(rule.name);
    const auto* example =
        std::ranges::find(examples, rule.name, &std::pair<std::string_view, std::string>::first);
    REQUIRE(example != std::end(examples));
    for (const auto& situation : situations) {
      CAPTURE(situation.name);
      scene.world.deliver(ann, "Subject: one\r\n\r\n");
      auto answer = scene.ask(situation, example->second).first;
      CAPTURE(answer);
      bool wrong_state = (rule.states & situation.state) == 0;
      bool lacks_right =
          situation.state == selected && (situation.rights & rule.rights) != rule.rights;
      CHECK(answer.starts_with("BAD ") == wrong_state);
      CHECK(answer.starts_with("NO [NOPERM] The mailbox is opened read-only") ==
            (!wrong_state && lacks_right));
    }
  }
}

// RFC 9051 §6.4.9: the forms with UID have the same rules.
TEST_CASE("commands: the forms with UID") {
  Scene scene;
  for (std::string command : {"FETCH 1 FLAGS", "SEARCH ALL", "STORE 1 FLAGS ()", "COPY 1 INBOX",
                              "MOVE 1 INBOX", "EXPUNGE 1"}) {
    CAPTURE(command);
    const auto* rule = rule_named(std::string_view(command).substr(0, command.find(' ')));
    REQUIRE(rule != nullptr);
    for (const auto& situation : situations) {
      CAPTURE(situation.name);
      auto answer = scene.ask(situation, "UID " + command).first;
      CAPTURE(answer);
      CHECK(answer.starts_with("BAD ") == (situation.state != selected));
      if (situation.state != selected) continue;
      CHECK(answer.starts_with("NO [NOPERM]") ==
            ((situation.rights & rule->rights) != rule->rights));
    }
  }
}

TEST_CASE("commands: rules by name") {
  CHECK(rule_named("examine") == rule_named("SELECT"));
  CHECK(rule_named("fetch")->name == "FETCH");
  CHECK(rule_named("FROB") == nullptr);
  CHECK(rule_named("") == nullptr);
  for (const auto& rule : command_table()) CHECK(rule_named(rule.name) == &rule);
}

// Mail-server rule R8: "not yours" and "not there" cannot be told apart.
TEST_CASE("commands: another account's mailboxes are nowhere") {
  Scene scene;
  auto& store = scene.world.store;
  auto bobs = block_on(store.create_mailbox(scene.world.account_id(bob), {.name = "Secrets"}));
  REQUIRE(bobs);
  scene.world.deliver(bob, "Subject: secret\r\n\r\nsecret\r\n", bobs->id);
  scene.world.deliver(ann, "Subject: one\r\n\r\none\r\n");

  const std::string commands[] = {
      "SELECT ?",
      "EXAMINE ?",
      "DELETE ?",
      "RENAME ? New",
      "SUBSCRIBE ?",
      "UNSUBSCRIBE ?",
      "LIST \"\" ?",
      "LIST \"\" ?*",
      "LIST ?/ *",
      "LIST (SUBSCRIBED) \"\" ?",
      "LIST \"\" ? RETURN (STATUS (MESSAGES MAILBOXID))",
      "LSUB \"\" ?",
      "STATUS ? (MESSAGES UIDNEXT UNSEEN MAILBOXID)",
      "APPEND ? {3+}\r\nabc",
      "COPY 1 ?",
      "UID COPY 1 ?",
      "MOVE 1 ?",
      "UID MOVE 1 ?",
      "GETQUOTAROOT ?",
  };
  const auto& situation = situations[3];
  for (const auto& command : commands) {
    CAPTURE(command);
    auto answer_for = [&](std::string_view name) {
      auto text = command;
      text.replace(text.find('?'), 1, name);
      auto [answer, before] = scene.ask(situation, text);
      return with_name(before + "\n" + answer, name);
    };
    auto nowhere = answer_for("Nowhere");
    CHECK(answer_for("Secrets") == nowhere);
    // Nor is the mailbox's id a name.
    CHECK(answer_for(fmt::format("M{}", bobs->id)) == nowhere);
    CHECK(nowhere.find("secret") == nowhere.npos);
  }
  CHECK(scene.world.count(bob, bobs->id) == 1);

  // An id that the account does not have cannot be opened, whosever it is.
  Principal principal{.account_id = scene.world.account_id(ann)};
  auto theirs = block_on(store.open(principal, bobs->id, store::right_read));
  auto nobodys = block_on(store.open(principal, 4711, store::right_read));
  REQUIRE_FALSE(theirs);
  REQUIRE_FALSE(nobodys);
  CHECK(theirs.error().code == Errc::not_found);
  CHECK(theirs.error().text == nobodys.error().text);
}
