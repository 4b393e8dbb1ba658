// The client over real sockets, with TLS, against small servers of our own.
#include "net/dialer.h"
#include "net/listener.h"
#include "net/runtime.h"
#include "net/tls.h"
#include "smtp/client/client.h"
#include "smtp/client/test_play.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <unistd.h>

using namespace todoke;
using namespace todoke::smtp;
using namespace todoke::test;
using namespace std::chrono_literals;
using Need = TlsPolicy::Need;

namespace {

struct Loopback {
  using Session = net::Listener::Session;
  explicit Loopback(Session session) {
    folder = std::filesystem::temp_directory_path() / ("todoke-send-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    net::CertificateFiles files{folder / "cert.pem", folder / "key.pem"};
    REQUIRE(net::write_self_signed("mx.test", files));
    server_tls = *net::TlsContext::load({files});
    client_tls = *net::TlsClient::create(files.certificate);
    auto opened =
        net::Listener::open(runtime, {.name = "mx", .address = "127.0.0.1"}, std::move(session));
    REQUIRE(opened);
    listener = *std::move(opened);
    listener->start();
    runtime.start();
  }
  ~Loopback() {
    listener->stop();
    runtime.close_all();
    block_on(listener->drained());
    runtime.stop();
    std::filesystem::remove_all(folder);
  }

  // One conversation with one message; "open" and the results, or how it ended.
  std::string deliver(TlsPolicy policy, Text text) {
    std::string out = "crashed";
    Completion done;
    runtime.spawn(1, "client", converse(std::move(policy), &text, &out, &done));
    block_on(done.wait());
    return out;
  }
  Task<> converse(TlsPolicy policy, Text* text, std::string* out, Completion* done) {
    {
      net::Destination to{.address = "127.0.0.1", .port = listener->port()};
      auto stream = co_await dialer.dial(std::move(to));
      REQUIRE(stream);
      Client client(**stream, ClientOptions{.clock = clock,
                                            .helo = "client.test",
                                            .tls = client_tls,
                                            .policy = std::move(policy)});
      auto opened = co_await client.open();
      *out = opened ? "open" : test::describe(opened.error()) + ": " + opened.error().text;
      if (opened) {
        Message message{.reverse_path = "a@client.test", .text = text};
        message.recipients.push_back({.address = "b@mx.test"});
        auto results = co_await client.send(std::move(message));
        *out += ", " + test::describe(results);
      }
      co_await client.quit();
    }
    done->set();
  }

  SystemClock clock;
  net::Runtime runtime{clock, 2};
  net::TcpDialer dialer{runtime};
  std::filesystem::path folder;
  std::shared_ptr<const net::TlsContext> server_tls;
  std::shared_ptr<const net::TlsClient> client_tls;
  std::unique_ptr<net::Listener> listener;
};

// Answers each command that begins with a word of the table; offers STARTTLS until it is done.
Task<> receive(net::Stream& io, const std::shared_ptr<const net::TlsContext>* tls,
               std::string* received) {
  io.set_deadline(30s);
  io.write("220 mx.test\r\n");
  for (;;) {
    auto line = co_await io.read_line(1000);
    if (line.text == "QUIT") break;
    if (line.text.starts_with("EHLO")) {
      io.write(io.tls() != nullptr ? "250-mx.test\r\n250 PIPELINING\r\n"
                                   : "250-mx.test\r\n250 STARTTLS\r\n");
    } else if (line.text == "STARTTLS") {
      io.write("220 go\r\n");
      auto context = *tls;
      co_await io.start_tls(std::move(context));
    } else if (line.text == "DATA") {
      io.write("354 go\r\n");
      while (line.text != ".") {
        line = co_await io.read_line(1000);
        *received += line.text + "\n";
      }
      io.write("250 queued\r\n");
    } else {
      io.write("250 ok\r\n");
    }
  }
  io.write("221 bye\r\n");
  co_await io.flush();
}

// Takes a little of the text, says 552 and goes.
Task<> break_off(net::Stream& io) {
  io.set_deadline(30s);
  io.write("220 mx.test\r\n");
  auto line = co_await io.read_line(1000);
  while (line.text != "DATA") {
    io.write("250 ok\r\n");
    line = co_await io.read_line(1000);
  }
  io.write("354 go\r\n");
  line = co_await io.read_line(1000);
  io.write("552 5.3.4 too big\r\n");
  co_await io.flush();
}

}  // namespace

TEST_CASE("a message over STARTTLS with a verified server") {
  std::string received;
  Loopback* scene = nullptr;
  auto session = [&](net::Stream& io) { return receive(io, &scene->server_tls, &received); };
  Loopback loopback(session);
  scene = &loopback;
  TlsPolicy policy{
      .need = Need::required,
      .expectation = {.server_name = "mx.test", .verify = net::TlsExpectation::Verify::web_pki}};
  CHECK(loopback.deliver(policy, Text()) == "open, end of data 250 accepted");
  CHECK(received == "Subject: hi\n\n..dot\n.\n");
  policy.expectation.names = {"mx.example.org"};
  CHECK(loopback.deliver(policy, Text()) ==
        "STARTTLS TLS failed: the certificate is for mx.test, localhost, not for mx.example.org");
}

TEST_CASE("the last words of a server that breaks off a large message are heard") {
  Loopback loopback([](net::Stream& io) { return break_off(io); });
  Text text(std::vector<std::string>(400, std::string(65'534, 'x') + "\r\n"));
  CHECK(loopback.deliver({.need = Need::never}, std::move(text)) == "open, end of data 552");
}
