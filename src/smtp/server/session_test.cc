#include "smtp/server/session.h"

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/scram_client.h"
#include "net/memory_stream.h"
#include "support/world.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace todoke;
using namespace std::chrono_literals;

// Conversations that can be written down are in tests/transcripts/smtp.
namespace {

// A database whose reads can be made to fail.
struct FailingReads final : sql::Db {
  explicit FailingReads(sql::Db& db) : inner(db) {}
  void before_commit(std::function<void()> hook) override { inner.before_commit(std::move(hook)); }
  Result<> backup_to(const std::string& target) override { return inner.backup_to(target); }

  sql::Db& inner;
  bool failing = false;
  bool violating = false;

 protected:
  // Opens what Db keeps for its drivers.
  struct Driver : sql::Db {
    using Db::submit_read;
    using Db::submit_write;
  };
  void submit_write(sql::Job& job) override { (inner.*&Driver::submit_write)(job); }
  void submit_read(sql::Job& job) override {
    if (!failing && !violating) return (inner.*&Driver::submit_read)(job);
    job.failure = failing ? std::make_exception_ptr(sql::Unavailable("as the test wishes"))
                          : std::make_exception_ptr(sql::Violation("as the test wishes"));
    job.done.set();
  }
};

struct Scene {
  Scene() { world.add_account("ann@example.test", "secret"); }

  // Runs a session; `steps` are called one after the other, each when the session waits for input
  // and all before it is read, with what came since the last one.  Their answers are fed to it.
  using Step = std::function<std::string(std::string_view)>;
  void talk(net::MemoryStream& io, std::vector<Step> steps) { talk(io, std::move(steps), server); }
  void talk(net::MemoryStream& io, std::vector<Step> steps, smtp::Server& with) {
    std::size_t next = 0;
    io.on_wait = [&](net::MemoryStream& stream) {
      if (next < steps.size()) stream.feed(steps[next++](stream.take_output()));
    };
    smtp::Session session(io, with);
    try {
      block_on(session.run());
    } catch (const net::Closed&) {
      closed = true;
    }
    CHECK(next == steps.size());
  }

  test::World world;
  delivery::Delivery delivery{*world.db,       *world.blobs, world.store,
                              world.directory, world.clock,  world.ids};
  smtp::SubmissionRate rate{world.clock, 100};
  smtp::Server server{.host = "mail.example.test",
                      .delivery = delivery,
                      .directory = world.directory,
                      .clock = world.clock,
                      .ids = world.ids,
                      .rate = rate,
                      .tls = &test::test_tls()};
  bool closed = false;
};

// What the server said behind 334 in its last line.
std::string challenge(std::string_view output) {
  auto line = output.substr(0, output.rfind("\r\n"));
  line = line.substr(line.rfind('\n') + 1);
  REQUIRE(line.starts_with("334 "));
  return base64_decode(line.substr(4)).value();
}

constexpr std::string_view envelope =
    "EHLO client.test\r\nMAIL FROM:<eve@else.test>\r\nRCPT TO:<ann@example.test>\r\n";

void scram(const std::string& mechanism, crypto::ScramClient client, bool with_tls) {
  Scene scene;
  scene.server.face = smtp::Face::submission;
  net::MemoryStream io;
  if (with_tls) io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  std::string last;
  auto begin = [&](std::string_view) {
    return "EHLO x\r\nAUTH " + mechanism + " " + base64_encode(client.client_first()) + "\r\n";
  };
  auto prove = [&](std::string_view output) {
    auto proof = client.client_final(challenge(output));
    REQUIRE(proof);
    return base64_encode(*proof) + "\r\n";
  };
  auto acknowledge = [&](std::string_view output) {
    CHECK(client.check(challenge(output)));
    return std::string("\r\n");
  };
  auto finish = [&](std::string_view output) {
    last = output;
    return std::string("MAIL FROM:<ann@example.test>\r\nQUIT\r\n");
  };
  scene.talk(io, {begin, prove, acknowledge, finish});
  CHECK(last == "235 2.7.0 Welcome\r\n");
  CHECK(io.output().starts_with("250 2.1.0 Ok\r\n"));
}

crypto::ScramClient client(crypto::ScramClient::Binding binding,
                           std::optional<crypto::ChannelBinding> channel = {}) {
  auto made =
      crypto::ScramClient::start({"", "ann@example.test", "secret"}, binding, std::move(channel));
  REQUIRE(made);
  return *std::move(made);
}

}  // namespace

TEST_CASE("RFC 5802: signing in with SCRAM, with and without channel binding") {
  using Binding = crypto::ScramClient::Binding;
  scram("SCRAM-SHA-256", client(Binding::unsupported), false);
  scram("SCRAM-SHA-256-PLUS",
        client(Binding::bound, crypto::ChannelBinding{"tls-exporter", std::string(32, 'b')}), true);
}

TEST_CASE("RFC 5321 §4.5.3.2: five minutes for a command, three for a piece of the message") {
  Scene scene;
  net::MemoryStream io;
  std::vector<std::chrono::seconds> deadlines;
  auto say = [&](std::string words) {
    return [&, words](std::string_view) {
      deadlines.push_back(io.deadline());
      return words;
    };
  };
  scene.talk(io, {say(std::string(envelope)), say("DATA\r\n"), say("Subject: x\r\n"),
                  say(".\r\nRSET\r\n"), say("QUIT\r\n")});
  CHECK(deadlines == std::vector<std::chrono::seconds>{5min, 5min, 3min, 3min, 5min});
  CHECK(scene.world.count("ann@example.test") == 1);
}

TEST_CASE("a message that drips in for an hour ends the connection, in DATA and in BDAT") {
  for (const std::string begin : {"DATA\r\n", "BDAT 1000 LAST\r\n"}) {
    Scene scene;
    net::MemoryStream io;
    std::vector<Scene::Step> steps{[&](std::string_view) { return std::string(envelope) + begin; }};
    for (int minute = 0; minute < 31; ++minute)
      steps.emplace_back([&](std::string_view) {
        scene.world.clock.advance(2min);
        return std::string("x");
      });
    scene.talk(io, steps);
    CHECK(scene.closed);
    CHECK(scene.world.count("ann@example.test") == 0);
  }
}

TEST_CASE("a database that fails at one RCPT costs that recipient a 451 and nothing else") {
  Scene scene;
  scene.world.add_account("bob@example.test", "secret");
  FailingReads db(*scene.world.db);
  directory::Directory directory(db, scene.world.clock, scene.world.ids, scene.world.pool);
  delivery::Delivery delivery(db, *scene.world.blobs, scene.world.store, directory,
                              scene.world.clock, scene.world.ids);
  smtp::Server server{.host = "mail.example.test",
                      .delivery = delivery,
                      .directory = directory,
                      .clock = scene.world.clock,
                      .ids = scene.world.ids,
                      .rate = scene.rate};
  net::MemoryStream io;
  std::string failed;
  auto begin = [&](std::string_view) { return std::string(envelope); };
  auto fail = [&](std::string_view output) {
    CHECK(output.ends_with("250 2.1.5 Ok\r\n"));
    db.failing = true;
    return std::string("RCPT TO:<bob@example.test>\r\n");
  };
  auto recover = [&](std::string_view output) {
    failed = output;
    db.failing = false;
    return std::string("RCPT TO:<bob+2@example.test>\r\nBDAT 12 LAST\r\nSubject: x\r\n");
  };
  auto finish = [&](std::string_view output) {
    CHECK(output.starts_with("250 2.1.5 Ok\r\n250 2.0.0 Ok, stored as "));
    return std::string("QUIT\r\n");
  };
  scene.talk(io, {begin, fail, recover, finish}, server);
  CHECK(failed.starts_with("451 4.3.0 "));
  CHECK(scene.world.count("ann@example.test") == 1);
  CHECK(scene.world.count("bob@example.test") == 1);
}

TEST_CASE("a statement that the database refuses costs its command a 451 and nothing else") {
  Scene scene;
  FailingReads db(*scene.world.db);
  directory::Directory directory(db, scene.world.clock, scene.world.ids, scene.world.pool);
  delivery::Delivery delivery(db, *scene.world.blobs, scene.world.store, directory,
                              scene.world.clock, scene.world.ids);
  smtp::Server server{.face = smtp::Face::submission,
                      .host = "mail.example.test",
                      .delivery = delivery,
                      .directory = directory,
                      .clock = scene.world.clock,
                      .ids = scene.world.ids,
                      .rate = scene.rate,
                      .allow_plain_text_login = true};
  net::MemoryStream io;
  auto sign_in = "AUTH PLAIN " + base64_encode({"\0ann@example.test\0secret", 24}) + "\r\n";
  std::string answers;
  // Says the words twice: while the database refuses its statement, and then for good.
  auto broken = [&](std::string words) {
    return [&, words](std::string_view) {
      db.violating = true;
      return words;
    };
  };
  auto mended = [&](std::string words) {
    return [&, words](std::string_view output) {
      answers += output.substr(0, 10);
      db.violating = false;
      return words;
    };
  };
  std::vector<Scene::Step> steps{[&](std::string_view) { return std::string("EHLO x\r\n"); }};
  for (const auto& words : {sign_in, std::string("MAIL FROM:<ann@example.test>\r\n"),
                            std::string("RCPT TO:<ann@example.test>\r\n")}) {
    steps.emplace_back(broken(words));
    steps.emplace_back(mended(words));
  }
  scene.talk(io, steps, server);
  CHECK(answers == "451 4.3.0 451 4.3.0 451 4.3.0 ");
  CHECK(io.output() == "250 2.1.5 Ok\r\n");
}

TEST_CASE("a message behind any refusal leaves memory alone: it is read and thrown away") {
  Scene scene;
  scene.server.max_message_size = 1000;
  net::MemoryStream io;
  std::vector<Scene::Step> steps{
      [&](std::string_view) { return std::string(envelope) + "DATA\r\nSubject: x\r\n\r\n"; }};
  for (int i = 0; i < 100; ++i)
    steps.emplace_back([&](std::string_view) { return std::string(60'000, 'x') + "\r\n"; });
  steps.emplace_back([&](std::string_view) { return std::string(".\r\nQUIT\r\n"); });
  scene.talk(io, steps);
  CHECK(io.output().contains("552 5.3.4 "));
  CHECK(scene.world.blobs->usage().segments == 0);
}

TEST_CASE(
    "RFC 2033 §4.2: the log tells who was refused behind the message, and what became of it") {
  auto file =
      std::filesystem::temp_directory_path() / ("todoke-smtp-log-" + std::to_string(getpid()));
  log::start({.file = file});
  Scene scene;
  scene.world.add_account("bob@example.test", "secret");
  for (auto full : {"ann@example.test", "bob@example.test"}) {
    scene.world.change(full, {.quota_bytes = 100});
    scene.server.face = smtp::Face::lmtp;
    net::MemoryStream io(
        "LHLO client.test\r\nMAIL FROM:<eve@else.test>\r\nRCPT TO:<ann@example.test>\r\n"
        "RCPT TO:<bob@example.test>\r\nDATA\r\nSubject: " +
        std::string(200, 'x') + "\r\n.\r\nQUIT\r\n");
    scene.talk(io, {});
  }
  log::stop();
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  std::filesystem::remove(file);
  auto lines = text.str();
  CAPTURE(lines);
  CHECK(lines.contains("smtp.recipient_refused"));
  CHECK(lines.contains(" to=ann@example.test reply=452\n"));
  CHECK(lines.contains(" to=bob@example.test reply=452\n"));
  CHECK(lines.contains(" recipients=2 refused=1 size=211 reply=250\n"));
  CHECK(lines.contains(" recipients=1 refused=1 size=211 reply=452\n"));
  CHECK(lines.find("smtp.accepted") < lines.find("smtp.refused"));
}

TEST_CASE("a stolen password does not make a million recipients: the bucket fills by the hour") {
  SimulatedClock clock{Time(std::chrono::days(20'000))};
  smtp::SubmissionRate rate(clock, 3);
  for (int i = 0; i < 3; ++i) CHECK(rate.take(1, {}));
  CHECK(!rate.take(1, {}));
  CHECK(rate.take(2, {}));
  clock.advance(20min);
  CHECK(rate.take(1, {}));
  CHECK(!rate.take(1, {}));
  clock.advance(100h);
  for (int i = 0; i < 3; ++i) CHECK(rate.take(1, {}));
  CHECK(!rate.take(1, {}));
  CHECK(!rate.take(3, 0));
  for (int i = 0; i < 5; ++i) CHECK(rate.take(4, 5));
  CHECK(!rate.take(4, 5));
}
