#include "smtp/client/client.h"

#include "smtp/client/test_play.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::smtp;
using namespace todoke::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view hello = R"(
  S: 220 mx.test
  C: EHLO client.test
  S: 250-mx.test
)";
const std::string pipelining = std::string(hello) + "S: 250 PIPELINING\n";
const std::string stepwise = std::string(hello) + "S: 250 HELP\n";

}  // namespace

TEST_CASE("one message, step by step") {
  Scene scene(stepwise + R"(
    C: MAIL FROM:<a@client.test>
    S: 250 ok
    C: RCPT TO:<b@mx.test>
    S: 250 ok
    C: DATA
    S: 354 go
    C: Subject: hi
    C:
    C: ..dot
    C: .
    S: 250 2.0.0 queued
    C: QUIT
    S: 221 bye)");
  CHECK(scene.open() == "open");
  CHECK(scene.send({"b@mx.test"}) == "end of data 250 accepted");
  CHECK(scene.client().usable());
  block_on(scene.client().quit());
  CHECK_FALSE(scene.client().usable());
  scene.play.finish();
  CHECK(scene.client().take_dialogue() ==
        "< 220 mx.test\n> EHLO client.test\n< 250-mx.test\n< 250 HELP\n"
        "> MAIL FROM:<a@client.test>\n< 250 ok\n> RCPT TO:<b@mx.test>\n< 250 ok\n> DATA\n"
        "< 354 go\n= a message of 21 bytes\n< 250 2.0.0 queued\n> QUIT\n< 221 bye\n");
}

TEST_CASE("RFC 2920: the envelope in one write, and the next one too") {
  Scene scene(pipelining + R"(
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<b@mx.test>
    C: RCPT TO:<c@mx.test>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 550 5.1.1 who?
    S: 354 go
    C: Subject: hi
    C:
    C: ..dot
    C: .
    S: 250 queued
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<d@mx.test>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: Subject: hi
    C:
    C: ..dot
    C: .
    S: 451 4.3.0 later)");
  CHECK(scene.open() == "open");
  CHECK(scene.send({"b@mx.test", "c@mx.test"}) == "end of data 250 accepted, RCPT 550");
  CHECK(scene.send({"d@mx.test"}) == "end of data 451");
  CHECK(scene.client().usable());
  CHECK(scene.client().transactions() == 2);
  scene.play.finish();
}

TEST_CASE("how a pipelined envelope goes wrong") {
  struct Row {
    const char* name;
    const char* replies;
    const char* results;
    bool usable;
  };
  const Row rows[] = {
      {"MAIL refused", "S: 550 5.7.1 no\nS: 503 no\nS: 503 no\nS: 503 no", "MAIL 550, MAIL 550",
       true},
      {"MAIL refused, and DATA is accepted",
       "S: 451 no\nS: 503 no\nS: 503 no\nS: 354 go\nC: .\nS: 554 none", "MAIL 451, MAIL 451", true},
      {"MAIL refused, RCPT taken", "S: 451 no\nS: 250 ok\nS: 250 ok\nS: 503 no",
       "MAIL 451, MAIL 451", true},
      {"nobody accepted", "S: 250 ok\nS: 550 no\nS: 450 no\nS: 554 none", "RCPT 550, RCPT 450",
       true},
      {"nobody accepted, and DATA is",
       "S: 250 ok\nS: 550 no\nS: 450 no\nS: 354 go\nC: .\nS: 554 none", "RCPT 550, RCPT 450", true},
      {"an empty message accepted for nobody",
       "S: 250 ok\nS: 550 no\nS: 450 no\nS: 354 go\nC: .\nS: 250 thanks", "RCPT 550, RCPT 450",
       true},
      {"gone at the lone dot", "S: 250 ok\nS: 550 no\nS: 450 no\nS: 354 go\nC: .",
       "RCPT 550, RCPT 450", false},
      {"DATA refused", "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 451 no", "DATA 451, RCPT 550", true},
      {"fewer replies than commands", "S: 250 ok\nS: 550 no\nS: 250 ok",
       "RCPT 550, DATA connection closed without a reply", false},
      {"reset in the middle", "S: 250 ok\n!: reset", "RCPT connection reset, RCPT connection reset",
       false},
      {"silent in the middle", "S: 250 ok\nS: 250 ok\n!: timed out",
       "RCPT no answer in time, RCPT no answer in time", false},
      {"421 to MAIL", "S: 421 4.7.0 busy", "MAIL 421, MAIL 421", false},
      {"421 in the middle", "S: 250 ok\nS: 550 no\nS: 421 4.7.0 enough\nS: 250 ok",
       "RCPT 550, RCPT 421", false},
      {"421 to the second takes the first along", "S: 250 ok\nS: 250 ok\nS: 421 4.7.0 enough",
       "RCPT 421, RCPT 421", false},
      {"421 to DATA", "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 421 no", "DATA 421, DATA 421", false},
      {"354 too early", "S: 250 ok\nS: 354 go\nS: 250 ok\nS: 250 ok",
       "RCPT no SMTP 354, RCPT no SMTP 354", false},
      {"354 to MAIL", "S: 354 go", "MAIL no SMTP 354, MAIL no SMTP 354", false},
      {"250 to DATA", "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok",
       "DATA no SMTP 250, DATA no SMTP 250", false},
      {"the verdict before the text", "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nS: 250 queued",
       "DATA no SMTP, DATA no SMTP", false},
      {"garbage", "S: 250 ok\nS: hello there", "RCPT no SMTP, RCPT no SMTP", false},
      {"a code of another world", "S: 150 wait", "MAIL no SMTP, MAIL no SMTP", false},
      {"NULs are harmless", "s: 250 \\0\nS: ok\nS: 550 no\nS: 550 no\nS: 503 no",
       "RCPT 550, RCPT 550", true},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene(pipelining +
                "C: MAIL FROM:<a@client.test>\nC: RCPT TO:<b@mx.test>\nC: RCPT TO:<c@mx.test>\nC: "
                "DATA\n" +
                row.replies);
    CHECK(scene.open() == "open");
    CHECK(scene.send({"b@mx.test", "c@mx.test"}) == row.results);
    CHECK(scene.client().usable() == row.usable);
    scene.play.finish();
  }
}

TEST_CASE("how an envelope goes wrong step by step") {
  struct Row {
    const char* name;
    const char* script;
    const char* results;
    bool usable;
  };
  const Row rows[] = {
      {"MAIL refused: nothing else is said", "S: 550 no", "MAIL 550, MAIL 550", true},
      {"nobody accepted: no DATA",
       "S: 250 ok\nC: RCPT TO:<b@mx.test>\nS: 550 no\nC: RCPT TO:<c@mx.test>\nS: 450 no",
       "RCPT 550, RCPT 450", true},
      {"421 in the middle: nothing else is said",
       "S: 250 ok\nC: RCPT TO:<b@mx.test>\nS: 250 ok\nC: RCPT TO:<c@mx.test>\nS: 421 no",
       "RCPT 421, RCPT 421", false},
      {"a reply too many", "S: 250 ok\nS: 250 ok", "RCPT no SMTP, RCPT no SMTP", false},
      {"closed at RCPT", "S: 250 ok\nC: RCPT TO:<b@mx.test>",
       "RCPT connection closed without a reply, RCPT connection closed without a reply", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene(stepwise + "C: MAIL FROM:<a@client.test>\n" + row.script);
    CHECK(scene.open() == "open");
    CHECK(scene.send({"b@mx.test", "c@mx.test"}) == row.results);
    CHECK(scene.client().usable() == row.usable);
    scene.play.finish();
  }
}

TEST_CASE("how the text goes wrong") {
  struct Row {
    const char* name;
    const char* script;
    const char* results;
    bool usable;
  };
  const Row rows[] = {
      {"refused", "S: 554 5.7.1 spam", "end of data 554", true},
      {"closed", "", "end of data connection closed without a reply", false},
      {"reset", "!: reset", "end of data connection reset", false},
      {"silent", "!: timed out", "end of data no answer in time", false},
      {"421", "S: 421 later", "end of data 421", false},
      {"354 once more", "S: 354 go on", "end of data no SMTP 354", false},
      {"two verdicts", "S: 250 queued\nS: 550 no, after all", "end of data 250 accepted", false},
      {"a good-bye behind it", "S: 250 queued\nS: 421 that is all", "end of data 250 accepted",
       false},
      {"nonsense", "S: Segmentation fault", "end of data no SMTP", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene(pipelining +
                "C: MAIL FROM:<a@client.test>\nC: RCPT TO:<b@mx.test>\nC: DATA\n"
                "S: 250 ok\nS: 250 ok\nS: 354 go\nC: Subject: hi\nC:\nC: ..dot\nC: .\n" +
                row.script);
    CHECK(scene.open() == "open");
    CHECK(scene.send({"b@mx.test"}) == row.results);
    CHECK(scene.client().usable() == row.usable);
    scene.play.finish();
  }
}

const std::string to_text_of_b = pipelining +
                                 "C: MAIL FROM:<a@client.test>\nC: RCPT TO:<b@mx.test>\nC: DATA\n"
                                 "S: 250 ok\nS: 250 ok\nS: 354 go\n";

TEST_CASE("a server that breaks the text off is heard") {
  struct Row {
    const char* last_words;
    const char* results;
  };
  const Row rows[] = {{"S: 552 5.3.4 too big\n!: deaf", "end of data 552"},
                      {"!: deaf", "end of data connection reset"},
                      {"S: 250 queued\n!: deaf", "end of data no SMTP 250"}};
  for (const auto& row : rows) {
    CAPTURE(row.last_words);
    Scene scene(pipelining +
                "C: MAIL FROM:<a@client.test>\nC: RCPT TO:<b@mx.test>\nC: DATA\n"
                "S: 250 ok\nS: 250 ok\nS: 354 go\n");
    CHECK(scene.open() == "open");
    Text text({std::string(200'000, 'x')});
    // What the server says while we write is there once the first piece is asked for.
    text.on_next = [&] {
      scene.play.io.writes_fail = true;
      auto words = std::string_view(row.last_words);
      if (words.starts_with("S: "))
        scene.play.io.feed(std::string(words.substr(3, words.find('\n') - 3)) + "\r\n");
    };
    CHECK(scene.send(Scene::message({"b@mx.test"}, text)) == row.results);
    CHECK_FALSE(scene.client().usable());
    CHECK(text.calls == 1);
    block_on(scene.client().quit());
    scene.play.finish();
  }
}

TEST_CASE("a text that cannot be read never gets its dot") {
  Scene scene(to_text_of_b);
  CHECK(scene.open() == "open");
  Text text({"Subject: hi\r\n"});
  text.error = "the disk is gone";
  CHECK(scene.send(Scene::message({"b@mx.test"}, text)) == "DATA: the disk is gone");
  CHECK_FALSE(scene.client().usable());
  block_on(scene.client().quit());
  CHECK(scene.play.io.pending() == 0);
  scene.play.finish();
}

TEST_CASE("what the text source waits for finds DATA accepted and no dot sent") {
  Scene scene(to_text_of_b + "C: x\nC: .\nS: 250 queued");
  CHECK(scene.open() == "open");
  Text text({"x\r\n"});
  std::vector<std::string> said;
  text.on_next = [&] { said.push_back(scene.play.io.output()); };
  CHECK(scene.send(Scene::message({"b@mx.test"}, text)) == "end of data 250 accepted");
  CHECK(said == std::vector<std::string>{"", ""});
  scene.play.finish();
}

TEST_CASE("RFC 5321 §4.5.2: texts become lines with CRLF and one dot at the end") {
  struct Row {
    std::vector<std::string> pieces;
    const char* sent;
  };
  const Row rows[] = {{{}, ".\r\n"},
                      {{"a"}, "a\r\n.\r\n"},
                      {{"a\r", "\n", ".", "\r\n"}, "a\r\n..\r\n.\r\n"},
                      {{".\r\nQUIT\r\n"}, "..\r\nQUIT\r\n.\r\n"},
                      // Rule R1: no bare line end that another server could take for one.
                      {{"a\n.\nMAIL\r.\r"}, "a\r\n..\r\nMAIL\r\n..\r\n.\r\n"}};
  for (const auto& row : rows) {
    Scene scene(pipelining +
                "C: MAIL FROM:<a@client.test>\nC: RCPT TO:<b@mx.test>\nC: DATA\n"
                "S: 250 ok\nS: 250 ok\nS: 354 go\n");
    CHECK(scene.open() == "open");
    Text text(row.pieces);
    (void)scene.send(Scene::message({"b@mx.test"}, text));
    CHECK(scene.play.io.output() == row.sent);
  }
}

TEST_CASE("a large text goes out in pieces and is not held") {
  Scene scene(to_text_of_b);
  CHECK(scene.open() == "open");
  Text text(std::vector<std::string>(50, std::string(100'000, 'y') + "\r\n"));
  std::size_t most = 0;
  text.on_next = [&] { most = std::max(most, scene.play.io.pending()); };
  auto last = [&](net::MemoryStream& io) {
    CHECK(io.output().size() == 50 * 100'002 + 3);
    io.feed("250 ok\r\n");
  };
  auto play = scene.play.io.on_wait;
  int waits = 0;
  scene.play.io.on_wait = [&](net::MemoryStream& io) { ++waits == 2 ? last(io) : play(io); };
  CHECK(scene.send(Scene::message({"b@mx.test"}, text)) == "end of data 250 accepted");
  CHECK(most < net::Stream::much);
}

TEST_CASE("RSET comes before the next transaction where half a one may be left") {
  Scene scene(pipelining + R"(
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<b@mx.test>
    C: DATA
    S: 250 ok
    S: 550 no
    S: 503 none
    C: RSET
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<c@mx.test>
    C: DATA
    S: 250 reset
    S: 550 no
    S: 503 no
    S: 503 no
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<d@mx.test>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: Subject: hi
    C:
    C: ..dot
    C: .
    S: 250 queued
    C: RSET
    S: 250 reset)");
  CHECK(scene.open() == "open");
  CHECK(scene.send({"b@mx.test"}) == "RCPT 550");
  CHECK(scene.send({"c@mx.test"}) == "MAIL 550");
  CHECK(scene.send({"d@mx.test"}) == "end of data 250 accepted");
  block_on(scene.client().reset());
  CHECK(scene.client().usable());
  scene.play.finish();
  block_on(scene.client().reset());  // the server has gone
  CHECK_FALSE(scene.client().usable());
}

TEST_CASE("a server that spoke between two transactions is out of step") {
  Scene scene(stepwise);
  CHECK(scene.open() == "open");
  scene.play.io.feed("421 you are slow\r\n");
  CHECK(scene.send({"b@mx.test"}) == "MAIL 421");
  CHECK_FALSE(scene.client().usable());
  CHECK(scene.send({"b@mx.test"}) == "MAIL connection closed without a reply");
}

TEST_CASE("many recipients are sent in groups that fit the windows") {
  Scene scene(pipelining);
  CHECK(scene.open() == "open");
  Text text({"x\r\n"});
  auto message = Scene::message({}, text);
  for (int i = 0; i < 1000; ++i)
    message.recipients.push_back({.address = std::to_string(i) + "@x.test"});
  std::size_t largest = 0;
  scene.play.io.on_wait = [&](net::MemoryStream& io) {
    auto said = io.take_output();
    largest = std::max(largest, said.size());
    if (said == "x\r\n.\r\n") return io.feed("250 ok\r\n");
    for (auto at = said.find('\n'); at != said.npos; at = said.find('\n', at + 1))
      io.feed(said.ends_with("DATA\r\n") && at + 1 == said.size() ? "354 go\r\n" : "250 ok\r\n");
  };
  auto results = block_on(scene.client().send(std::move(message)));
  CHECK(results.size() == 1000);
  for (const auto& one : results) CHECK(one.accepted);
  CHECK(largest < 20'000);
}
