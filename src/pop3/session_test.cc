#include "base/encoding.h"
#include "net/memory_stream.h"
#include "pop3/server.h"
#include "support/world.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

using namespace todoke;

namespace {

// Bodies that can be made to fail.
struct FailingBlobs final : blob::Store {
  explicit FailingBlobs(std::unique_ptr<blob::Store> store) : inner(std::move(store)) {}
  std::unique_ptr<blob::Writer> create() override { return inner->create(); }
  void sync() override {
    if (disk_full) throw blob::Unavailable("no space left on device");
    inner->sync();
  }
  Result<std::string> read(const blob::Location& at, std::uint64_t offset,
                           std::uint64_t length) override {
    largest_read = std::max(largest_read, length);
    ++slow_reads;
    return inner->read(at, offset, length);
  }
  Result<bool> read_cached(const blob::Location& at, std::uint64_t offset, std::uint64_t length,
                           std::string& out) override {
    largest_read = std::max(largest_read, length);
    if (offset >= fail_from && failures > 0) {
      --failures;
      return fail(failure, "as the test wishes");
    }
    if (cold) return false;
    return inner->read_cached(at, offset, length, out);
  }
  void release(const blob::Location& at) override { inner->release(at); }
  Found found() const override { return inner->found(); }
  void set_live(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& live) override {
    inner->set_live(live);
  }
  std::uint64_t compact(const Live& live, const Moved& moved) override {
    return inner->compact(live, moved);
  }
  void verify(const std::function<void(const Problem&)>& bad,
              const std::function<void(std::uint64_t, std::uint64_t)>& progress) override {
    inner->verify(bad, progress);
  }
  Usage usage() const override { return inner->usage(); }

  std::unique_ptr<blob::Store> inner;
  Errc failure = Errc::corrupt;
  int failures = 0;
  std::uint64_t fail_from = 0;
  bool cold = false;
  bool disk_full = false;
  std::uint64_t largest_read = 0;
  int slow_reads = 0;
};

struct Scene {
  Scene() { world.add_account("ann@example.test", "secret"); }

  // What a client gets that sends all this at once and goes.
  std::string talk(const std::string& input) {
    net::MemoryStream io(input);
    return talk(io);
  }
  std::string talk(net::MemoryStream& io) {
    try {
      block_on(pop3::serve(server, io, pop3::PlainTextLogin::allowed));
    } catch (const net::Closed&) {
      closed = true;
    }
    return io.take_output();
  }
  std::string logged_in(const std::string& input) {
    auto output = talk("USER ann@example.test\r\nPASS secret\r\n" + input);
    for (int line = 0; line < 3; ++line) {
      CHECK(output.starts_with("+OK "));
      output.erase(0, output.find("\r\n") + 2);
    }
    return output;
  }

  FailingBlobs* blobs = nullptr;
  test::World world{[this](std::unique_ptr<blob::Store> inner) {
    auto failing = std::make_unique<FailingBlobs>(std::move(inner));
    blobs = failing.get();
    return failing;
  }};
  pop3::Server server{.store = world.store,
                      .directory = world.directory,
                      .clock = world.clock,
                      .ids = world.ids,
                      .host = "mail.example.test"};
  bool closed = false;
};

std::string text_of(std::size_t octets) {
  std::string text = "Subject: large\r\n\r\n";
  for (int line = 0; text.size() < octets; ++line) text += fmt::format(".line {}\r\n", line);
  return text;
}

}  // namespace

TEST_CASE("a damaged body is refused and the session goes on; nothing bad is ever sent") {
  Scene scene;
  scene.world.deliver("ann@example.test", "Subject: one\r\n\r\n");
  scene.blobs->failures = 2;
  auto output = scene.logged_in("RETR 1\r\nTOP 1 0\r\nRETR 1\r\nQUIT\r\n");
  CHECK(output.starts_with("-ERR [SYS/PERM] "));
  output.erase(0, output.find("\r\n") + 2);
  CHECK(output.starts_with("-ERR [SYS/PERM] "));
  output.erase(0, output.find("\r\n") + 2);
  CHECK(output == "+OK 16 octets\r\nSubject: one\r\n\r\n.\r\n+OK Bye\r\n");
}

TEST_CASE("damage found in the middle of a body breaks the connection off, without an end") {
  Scene scene;
  auto text = text_of(600'000);
  scene.world.deliver("ann@example.test", text);
  scene.blobs->fail_from = 300'000;
  scene.blobs->failures = 100;
  auto output = scene.logged_in("RETR 1\r\nQUIT\r\n");
  CHECK(scene.closed);
  CHECK(output.starts_with("+OK "));
  CHECK(output.size() > 256'000);
  CHECK_FALSE(output.contains("-ERR"));
  CHECK_FALSE(output.contains("\r\n.\r\n"));
}

TEST_CASE("RFC 1939 §11: the sizes told are the octets sent, whatever ends a message") {
  for (std::string_view text :
       {"A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc", "A: b\n\nc\n", "A: b\r", ""}) {
    CAPTURE(text);
    Scene scene;
    scene.world.deliver("ann@example.test", std::string(text));
    auto output = scene.logged_in("LIST 1\r\nRETR 1\r\n");
    auto size = output.substr(6, output.find('\r') - 6);
    auto head = fmt::format("+OK 1 {0}\r\n+OK {0} octets\r\n", size);
    REQUIRE(output.starts_with(head));
    REQUIRE(output.ends_with(".\r\n"));
    CHECK(std::to_string(output.size() - head.size() - 3) == size);
  }
}

TEST_CASE("a body that was moved is looked for again, once") {
  Scene scene;
  scene.world.deliver("ann@example.test", "Subject: one\r\n\r\n");
  scene.blobs->failure = Errc::not_found;
  scene.blobs->failures = 1;
  CHECK(scene.logged_in("RETR 1\r\n").starts_with("+OK 16 octets\r\n"));
  scene.blobs->failures = 2;
  CHECK(scene.logged_in("RETR 1\r\n") == "-ERR Message 1 is gone\r\n");
}

TEST_CASE("large mail is sent in pieces, each flushed, from a cold disk too") {
  for (bool cold : {false, true}) {
    Scene scene;
    scene.blobs->cold = cold;
    auto text = text_of(1'000'000);
    scene.world.deliver("ann@example.test", text);
    std::string wanted = fmt::format("+OK {} octets\r\n", text.size());
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\n', at) + 1;
      if (text[at] == '.') wanted += '.';
      wanted += text.substr(at, end - at);
      at = end;
    }
    CHECK(scene.logged_in("RETR 1\r\n") == wanted + ".\r\n");
    CHECK(scene.blobs->largest_read <= (256u << 10));
    CHECK((scene.blobs->slow_reads > 0) == cold);
    scene.blobs->largest_read = 0;
    CHECK(scene.logged_in("TOP 1 1\r\n") ==
          "+OK The top follows\r\nSubject: large\r\n\r\n..line 0\r\n.\r\n");
    CHECK(scene.blobs->largest_read <= (16u << 10));
  }
}

TEST_CASE("QUIT is positive only when the deletions are durable") {
  Scene scene;
  scene.world.deliver("ann@example.test", "Subject: one\r\n\r\n");
  scene.blobs->disk_full = true;
  auto output = scene.logged_in("DELE 1\r\nQUIT\r\n");
  CHECK(output.starts_with("+OK Message 1 is marked as deleted\r\n-ERR [SYS/TEMP] "));
  CHECK(scene.world.count("ann@example.test") == 1);
  scene.blobs->disk_full = false;
  CHECK(scene.logged_in("DELE 1\r\nQUIT\r\n").ends_with("+OK 1 messages deleted, bye\r\n"));
  CHECK(scene.world.count("ann@example.test") == 0);
}

TEST_CASE("listings with and without marks are the same but for what is marked") {
  Scene scene;
  for (int i = 0; i < 150; ++i)
    scene.world.deliver("ann@example.test", fmt::format("Subject: {}\r\n\r\n", i));
  auto drop_second = [](std::string text) {
    auto begin = text.find("\r\n2 ") + 2;
    return text.erase(begin, text.find("\r\n", begin) + 2 - begin);
  };
  for (std::string command : {"LIST", "UIDL"}) {
    auto all = scene.logged_in(command + "\r\n");
    CHECK(std::ranges::count(all, '\n') == 152);
    auto marked = scene.logged_in("DELE 2\r\n" + command + "\r\n");
    marked.erase(0, marked.find("\r\n") + 2);
    // The first line may count.
    all.erase(0, all.find("\r\n"));
    marked.erase(0, marked.find("\r\n"));
    CHECK(marked == drop_second(all));
  }
}

TEST_CASE("all messages of a longer maildrop, in order and at random, as their places grow old") {
  Scene scene;
  constexpr int count = 150;
  std::string commands, wanted;
  auto retr = [&](int n) {
    commands += fmt::format("RETR {}\r\n", n);
    auto text = fmt::format("Subject: {}\r\n\r\n", n);
    wanted += fmt::format("+OK {} octets\r\n{}.\r\n", text.size(), text);
  };
  for (int n = 1; n <= count; ++n)
    scene.world.deliver("ann@example.test", fmt::format("Subject: {}\r\n\r\n", n));
  for (int n = 1; n <= count; ++n) retr(n);
  for (int n = count; n >= 1; n -= 7) retr(n);
  for (int i = 1; i <= count; ++i) retr(1 + i * 37 % count);
  CHECK(scene.logged_in(commands) == wanted);
}

TEST_CASE("RFC 2449 §4: lines are bounded, those of AUTH more generously") {
  Scene scene;
  auto long_user = "USER " + std::string(248, 'x') + "\r\n";
  CHECK(scene.talk(long_user).ends_with("+OK And the password?\r\n"));
  CHECK(scene.talk("USER " + std::string(249, 'x') + "\r\n")
            .ends_with("-ERR The line is too long\r\n"));
  std::string plain("\0ann@example.test\0", 18);
  auto auth = "AUTH PLAIN " + base64_encode(plain + std::string(1000, 'x')) + "\r\n";
  CHECK(scene.talk(auth).contains("-ERR [AUTH] "));
  CHECK(scene.talk(std::string(13'000, 'x') + "\r\nQUIT\r\n")
            .contains("-ERR The line is too long\r\n+OK"));
}

TEST_CASE("R4: endless lines take bounded memory and end the connection") {
  Scene scene;
  net::MemoryStream io;
  std::size_t most = 0, fed = 0;
  io.on_wait = [&](net::MemoryStream& stream) {
    most = std::max(most, stream.buffered().size());
    if (fed++ < 200) stream.feed(std::string(16'384, 'x') + (fed % 50 == 0 ? "\n" : ""));
  };
  auto output = scene.talk(io);
  CHECK(std::ranges::count(output, '\n') == 4);  // the greeting and three complaints
  CHECK(most < 32'768);
  CHECK_FALSE(scene.closed);
}

TEST_CASE("deadlines: a minute to log in, ten between commands") {
  Scene scene;
  net::MemoryStream io;
  std::vector<std::chrono::seconds> deadlines;
  std::vector<std::string> lines{"CAPA\r\n", "USER ann@example.test\r\n", "PASS secret\r\n",
                                 "NOOP\r\n"};
  std::size_t next = 0;
  io.on_wait = [&](net::MemoryStream& stream) {
    // At the end of the script the stream asks more than once.
    if (deadlines.size() <= lines.size()) deadlines.push_back(stream.deadline());
    if (next < lines.size()) stream.feed(lines[next++]);
  };
  scene.talk(io);
  using namespace std::chrono_literals;
  CHECK(deadlines == std::vector<std::chrono::seconds>{60s, 60s, 60s, 600s, 600s});
}

TEST_CASE("without a certificate there is no STLS") {
  Scene scene;
  auto output = scene.talk("CAPA\r\nSTLS\r\nQUIT\r\n");
  CHECK_FALSE(output.contains("\r\nSTLS\r\n"));
  CHECK(output.contains("-ERR TLS is not available here\r\n"));
}
