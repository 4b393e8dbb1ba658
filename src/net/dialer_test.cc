// Connections of ours to a server of ours, on loopback: dialling, TLS as a client, shutdown.
#include "net/dialer.h"

#include "net/listener.h"
#include "net/runtime.h"
#include "net/test_certificates.h"
#include "net/tls.h"
#include "net/tls_client.h"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <filesystem>
#include <functional>
#include <sys/socket.h>
#include <unistd.h>

using namespace todoke;
using namespace todoke::net;
using namespace todoke::test;
using namespace std::chrono_literals;
using Kind = DialFailure::Kind;
using Reason = Closed::Reason;
using Verify = TlsExpectation::Verify;
using Verified = TlsInfo::Verified;

namespace {

// Answers "tls" with "go" and TLS, "inject" with "go", more words and TLS, "drop" with "go" and the
// end; anything else with itself.
struct Scene {
  Scene() {
    folder = std::filesystem::temp_directory_path() / ("todoke-dial-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    auto session = [this](Stream& io) { return serve(io); };
    auto opened = Listener::open(runtime, {.name = "echo", .address = "127.0.0.1"}, session);
    REQUIRE(opened);
    listener = *std::move(opened);
    listener->start();
    runtime.start();
  }
  ~Scene() {
    listener->stop();
    runtime.close_all();
    block_on(listener->drained());
    runtime.stop();
    std::filesystem::remove_all(folder);
  }

  void serve_as(const std::vector<const Identity*>& chain) {
    auto loaded = TlsContext::load({write_identity(folder / "server", chain)});
    REQUIRE(loaded);
    server_tls = *loaded;
  }
  std::shared_ptr<const TlsClient> trusting(const Identity& authority) {
    auto made = TlsClient::create(write_identity(folder / "ca", {&authority}).certificate);
    REQUIRE(made);
    return *made;
  }

  Task<> serve(Stream& io) {
    io.set_deadline(60s);
    for (;;) {
      auto line = co_await io.read_line(100);
      if (line.text == "drop" || line.text == "tls" || line.text == "inject")
        io.write(line.text == "inject" ? "go\r\n250 more\r\n" : "go\r\n");
      else
        io.write(line.text + "\r\n");
      co_await io.flush();
      if (line.text == "drop") co_return;
      if (line.text == "tls" || line.text == "inject") {
        auto context = server_tls;
        co_await io.start_tls(std::move(context));
      }
    }
  }

  // Runs `work` on an I/O thread with a connection.
  using Work = std::function<Task<>(Stream&)>;
  void with_connection(Work work) {
    Completion done;
    std::exception_ptr failure;
    runtime.spawn(1, "client", converse(work, &done, &failure));
    block_on(done.wait());
    if (failure) std::rethrow_exception(failure);
  }
  Task<> converse(Work work, Completion* done, std::exception_ptr* failure) {
    try {
      Destination to{.address = "127.0.0.1", .port = listener->port()};
      auto stream = co_await dialer.dial(std::move(to));
      if (!stream) throw std::runtime_error(stream.error().text);
      (*stream)->set_deadline(30s);
      auto task = work(**stream);
      co_await std::move(task);
    } catch (...) {
      *failure = std::current_exception();
    }
    done->set();
  }

  DialFailure fail_to_dial(Destination to) {
    Completion done;
    DialFailure why;
    runtime.spawn(0, "client", dial(std::move(to), &why, &done));
    block_on(done.wait());
    return why;
  }
  Task<> dial(Destination to, DialFailure* why, Completion* done) {
    auto stream = co_await dialer.dial(std::move(to));
    *why = stream ? DialFailure{Kind::other, "connected"} : stream.error();
    done->set();
  }

  // What a handshake comes to: the TlsInfo, or what Closed says.
  struct Outcome {
    TlsInfo info;
    std::string failure;
    Reason reason = Reason::other;
  };
  Outcome handshake(std::shared_ptr<const TlsClient> tls, TlsExpectation expectation,
                    std::string word = "tls") {
    Outcome out;
    with_connection([&](Stream& io) { return talk(io, tls, expectation, word, &out); });
    return out;
  }
  static Task<> talk(Stream& io, std::shared_ptr<const TlsClient> tls, TlsExpectation expectation,
                     std::string word, Outcome* out) {
    try {
      io.write(word + "\r\n");
      auto line = co_await io.read_line(100);
      CHECK(line.text == "go");
      co_await io.start_tls_client(std::move(tls), std::move(expectation));
      out->info = *io.tls();
      io.write("safe\r\n");
      line = co_await io.read_line(100);
      CHECK(line.text == "safe");
    } catch (const Closed& closed) {
      out->failure = closed.what();
      out->reason = closed.reason;
    }
  }

  SystemClock clock;
  Runtime runtime{clock, 2};
  TcpDialer dialer{runtime};
  std::filesystem::path folder;
  std::shared_ptr<const TlsContext> server_tls;
  std::unique_ptr<Listener> listener;
};

TlsExpectation expect(Verify verify, std::vector<std::string> names = {}) {
  return {.server_name = "mx.example.test", .verify = verify, .names = std::move(names)};
}

}  // namespace

namespace {

Task<> look_around(Stream& io, const TcpDialer* dialer, std::size_t* inside, Peer* peer) {
  *inside = dialer->connections();
  *peer = io.peer();
  io.write("hello\r\n");
  auto line = co_await io.read_line(100);
  CHECK(line.text == "hello");
}

// Says a word, then reads until that fails.
Task<> read_to_the_end(Stream& io, std::string word, std::chrono::seconds time, Reason* reason) {
  io.set_deadline(time);
  io.write(word);
  try {
    for (;;) (void)co_await io.read_line(100);
  } catch (const Closed& closed) {
    *reason = closed.reason;
  }
}

}  // namespace

TEST_CASE("a connection knows both ends, and is counted") {
  Scene scene;
  std::size_t inside = 0;
  Peer peer;
  auto look = [&](Stream& io) { return look_around(io, &scene.dialer, &inside, &peer); };
  scene.with_connection(look);
  CHECK(inside == 1);
  CHECK(scene.dialer.connections() == 0);
  CHECK(peer.address == "127.0.0.1");
  CHECK(peer.port == scene.listener->port());
  CHECK(peer.local_address == "127.0.0.1");
  CHECK(peer.local_port != 0);
}

TEST_CASE("no connection, and why") {
  Scene scene;
  auto port = scene.listener->port();
  // A port that was free a moment ago.
  int free = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  socklen_t size = sizeof at;
  REQUIRE(::bind(free, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::getsockname(free, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  CHECK(scene.fail_to_dial({.address = "127.0.0.1", .port = ntohs(at.sin_port)}).kind ==
        Kind::refused);
  ::close(free);
  CHECK(scene.fail_to_dial({.address = "mx.example.test", .port = port}).kind == Kind::other);
  CHECK(scene.fail_to_dial({.address = "127.0.0.1", .port = port, .from = "192.0.2.1"}).kind ==
        Kind::unreachable);
  CHECK(scene.fail_to_dial({.address = "127.0.0.1", .port = port, .from = "::1"}).kind ==
        Kind::unreachable);
  CHECK(scene.fail_to_dial({.address = "127.0.0.1", .port = port, .from = "127.0.0.3"}).text ==
        "connected");
  CHECK(scene.fail_to_dial({.address = (scene.folder / "none").string()}).kind == Kind::other);
}

TEST_CASE("a server that does not answer costs its time") {
  Scene scene;
  // A full backlog answers nobody.
  int silent = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  socklen_t size = sizeof at;
  REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::listen(silent, 0) == 0);
  REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  int fillers[4];
  for (int& filler : fillers) {
    filler = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)::connect(filler, reinterpret_cast<sockaddr*>(&at), size);
  }
  auto why =
      scene.fail_to_dial({.address = "127.0.0.1", .port = ntohs(at.sin_port), .timeout = 1s});
  CHECK(why.kind == Kind::timed_out);
  for (int filler : fillers) ::close(filler);
  ::close(silent);
}

TEST_CASE("a runtime that stops ends connections and makes no more") {
  Scene scene;
  Reason reason = Reason::other;
  auto wait = [&](Stream& io) {
    scene.runtime.close_all();
    return read_to_the_end(io, "", 30s, &reason);
  };
  scene.with_connection(wait);
  CHECK(reason == Reason::stopping);
  CHECK(scene.fail_to_dial({.address = "127.0.0.1", .port = scene.listener->port()}).text ==
        "we are stopping");
}

TEST_CASE("how a connection ended") {
  Scene scene;
  Reason reason = Reason::other;
  auto drop = [&](Stream& io) { return read_to_the_end(io, "drop\r\n", 30s, &reason); };
  scene.with_connection(drop);
  CHECK(reason == Reason::ended);
  auto be_late = [&](Stream& io) { return read_to_the_end(io, "", 0s, &reason); };
  scene.with_connection(be_late);
  CHECK(reason == Reason::timed_out);
}

TEST_CASE("TLS with a certificate of a known authority") {
  Scene scene;
  auto authority = make_identity({.name = "Test CA", .authority = true});
  auto server = make_identity({.name = "mx.example.test", .issuer = &authority});
  scene.serve_as({&server});
  auto tls = scene.trusting(authority);
  for (auto verify : {Verify::web_pki, Verify::none}) {
    auto good = scene.handshake(tls, expect(verify));
    CHECK(good.failure == "");
    CHECK(good.info.verified == Verified::web_pki);
    CHECK(good.info.why_not == "");
    CHECK(good.info.version == "TLSv1.3");
  }
  CHECK(scene.handshake(tls, expect(Verify::web_pki, {".example.test"})).failure == "");
  CHECK(scene.handshake(tls, expect(Verify::web_pki, {"*.example.test"})).failure == "");
  CHECK(scene.handshake(tls, expect(Verify::web_pki, {"a.test", "MX.Example.TEST"})).failure == "");
  CHECK(scene.handshake(tls, expect(Verify::web_pki, {".test"})).failure == "");
  auto other = scene.handshake(tls, expect(Verify::web_pki, {"mx.example.org", "*.test"}));
  CHECK(other.reason == Reason::tls);
  CHECK(other.failure ==
        "the certificate is for mx.example.test, not for mx.example.org or *.test");
  auto forgiven = scene.handshake(tls, expect(Verify::none, {"mx.example.org"}));
  CHECK(forgiven.failure == "");
  CHECK(forgiven.info.verified == Verified::none);
  CHECK(forgiven.info.why_not == "the certificate is for mx.example.test, not for mx.example.org");
}

TEST_CASE("certificates that do not do") {
  Scene scene;
  auto authority = make_identity({.name = "Test CA", .authority = true});
  auto stranger = make_identity({.name = "Other CA", .authority = true});
  auto tls = scene.trusting(authority);
  struct Row {
    Wanted wanted;
    std::string_view words;
  };
  const Row rows[] = {
      {{.name = "mx.example.test"}, "the certificate is self-signed"},
      {{.name = "mx.example.test", .issuer = &stranger},
       "no authority that we know has issued the certificate"},
      {{.name = "mx.example.test", .issuer = &authority, .valid_from_day = -3, .valid_to_day = -2},
       "the certificate expired on 2"},
      {{.name = "mx.example.test", .issuer = &authority, .valid_from_day = 2, .valid_to_day = 3},
       "the certificate is valid from 2"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.words);
    auto server = make_identity(row.wanted);
    scene.serve_as({&server});
    auto refused = scene.handshake(tls, expect(Verify::web_pki));
    CHECK(refused.reason == Reason::tls);
    CHECK(refused.failure.starts_with(row.words));
    auto taken = scene.handshake(tls, expect(Verify::none));
    CHECK(taken.failure == "");
    CHECK(taken.info.verified == Verified::none);
    CHECK(taken.info.why_not.starts_with(row.words));
  }
  CHECK_FALSE(TlsClient::create("/nowhere/ca.pem"));
}

TEST_CASE("RFC 7672: DANE") {
  Scene scene;
  auto authority = make_identity({.name = "Test CA", .authority = true});
  auto server = make_identity({.name = "mx.example.test", .issuer = &authority});
  auto expired = make_identity({.name = "other.test", .valid_from_day = -3, .valid_to_day = -2});
  auto tls = scene.trusting(expired);
  auto ask = [&](std::vector<TlsaRecord> records) {
    auto expectation = expect(Verify::dane);
    expectation.tlsa = std::move(records);
    return scene.handshake(tls, expectation);
  };
  const std::string wrong(32, 'x');

  scene.serve_as({&server});
  auto good = ask({{3, 1, 1, wrong}, {3, 1, 1, server.key_digest()}});
  CHECK(good.failure == "");
  CHECK(good.info.verified == Verified::dane);
  auto mismatch = ask({{3, 1, 1, wrong}});
  CHECK(mismatch.reason == Reason::tls);
  CHECK(mismatch.failure == "the certificate does not match the TLSA records of mx.example.test");

  // RFC 7672 §3.1.1: neither names nor dates matter.
  scene.serve_as({&expired});
  CHECK(ask({{3, 1, 1, expired.key_digest()}}).info.verified == Verified::dane);

  // RFC 7672 §3.1.2: the authority comes along in the chain, and names matter.
  scene.serve_as({&server, &authority});
  CHECK(ask({{2, 1, 1, authority.key_digest()}}).info.verified == Verified::dane);
  CHECK(ask({{2, 1, 1, wrong}}).reason == Reason::tls);
  auto elsewhere = make_identity({.name = "mx.else.test", .issuer = &authority});
  scene.serve_as({&elsewhere, &authority});
  CHECK(ask({{2, 1, 1, authority.key_digest()}}).failure ==
        "the certificate is for mx.else.test, not for mx.example.test");

  // RFC 7672 §2.2: with nothing usable, TLS all the same.
  auto unusable = ask({{1, 1, 1, server.key_digest()}, {3, 1, 1, "short"}});
  CHECK(unusable.failure == "");
  CHECK(unusable.info.verified == Verified::none);
  CHECK(unusable.info.why_not == "no TLSA record of mx.example.test can be used");
}

TEST_CASE("the next connection with the same expectation resumes") {
  Scene scene;
  auto authority = make_identity({.name = "Test CA", .authority = true});
  auto server = make_identity({.name = "mx.example.test", .issuer = &authority});
  scene.serve_as({&server});
  auto tls = scene.trusting(authority);
  CHECK_FALSE(scene.handshake(tls, expect(Verify::web_pki)).info.resumed);
  for (int i = 0; i < 3; ++i) {
    auto again = scene.handshake(tls, expect(Verify::web_pki));
    CHECK(again.info.resumed);
    CHECK(again.info.verified == Verified::web_pki);
  }
  // Another expectation is judged anew.
  CHECK(scene.handshake(tls, expect(Verify::web_pki, {"mx.example.org"})).reason == Reason::tls);
  auto first = scene.handshake(tls, expect(Verify::none, {"mx.example.org"}));
  auto second = scene.handshake(tls, expect(Verify::none, {"mx.example.org"}));
  CHECK_FALSE(first.info.resumed);
  CHECK(second.info.resumed);
  CHECK(second.info.verified == Verified::none);
  CHECK(second.info.why_not == first.info.why_not);
}

TEST_CASE("RFC 3207 §6: words behind the consent, or no handshake at all, are a failure") {
  Scene scene;
  auto server = make_identity({.name = "mx.example.test"});
  scene.serve_as({&server});
  auto tls = scene.trusting(server);
  auto injected = scene.handshake(tls, expect(Verify::none), "inject");
  CHECK(injected.reason == Reason::tls);
  CHECK(injected.info.version == "");
  auto dropped = scene.handshake(tls, expect(Verify::none), "drop");
  CHECK(dropped.reason == Reason::tls);
  CHECK(dropped.failure == "the server closed the connection during the TLS handshake");
}
