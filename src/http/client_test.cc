// The client over real sockets and TLS, against small servers of our own.
#include "http/client.h"

#include "dns/fake_resolver.h"
#include "net/listener.h"
#include "net/runtime.h"
#include "net/tls.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <unistd.h>

using namespace todoke;
using namespace todoke::http;
using namespace std::chrono_literals;

namespace {

const std::string policy = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                       std::to_string(policy.size()) + "\r\n\r\n" + policy;

// A server at 127.0.0.1 that says `answer` to every request, with a certificate for web.test.
struct Loopback {
  Loopback() {
    folder = std::filesystem::temp_directory_path() / ("todoke-http-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    net::CertificateFiles files{folder / "cert.pem", folder / "key.pem"};
    REQUIRE(net::write_self_signed("web.test", files));
    server_tls = *net::TlsContext::load({files});
    client_tls = *net::TlsClient::create(files.certificate);
    auto session = [this](net::Stream& io) { return serve(io); };
    auto opened = net::Listener::open(runtime, {.name = "web", .address = "127.0.0.1"}, session);
    REQUIRE(opened);
    listener = *std::move(opened);
    listener->start();
    runtime.start();
    resolver.add_a("web.test", "127.0.0.1").add_a("other.test", "127.0.0.1");
  }
  ~Loopback() {
    listener->stop();
    runtime.close_all();
    block_on(listener->drained());
    runtime.stop();
    std::filesystem::remove_all(folder);
  }

  Task<> serve(net::Stream& io) {
    io.set_deadline(30s);
    auto context = server_tls;
    co_await io.start_tls(std::move(context));
    std::string heard;
    for (;;) {
      auto line = co_await io.read_line(1000);
      if (line.text.empty()) break;
      heard += line.text + "\n";
    }
    request = heard;
    io.write(answer);
    co_await io.flush();
    if (!holds) co_return;
    // Says no more until the client goes.
    co_await io.fill();
  }

  Result<Response> get(Request wanted, ClientOptions options = {}) {
    options.loopback = dns::Loopback::allowed;
    wanted.port = listener->port();
    Client client(clock, resolver, dialer, client_tls, options);
    Completion done;
    Result<Response> out = fail(Errc::corrupt, "crashed");
    runtime.spawn(1, "client", run(&client, std::move(wanted), &out, &done));
    block_on(done.wait());
    return out;
  }
  static Task<> run(Client* client, Request wanted, Result<Response>* out, Completion* done) {
    *out = co_await client->get(std::move(wanted));
    done->set();
  }

  std::string answer = ok;
  bool holds = false;
  std::string request;
  SystemClock clock;
  net::Runtime runtime{clock, 2};
  net::TcpDialer dialer{runtime};
  dns::FakeResolver resolver;
  std::filesystem::path folder;
  std::shared_ptr<const net::TlsContext> server_tls;
  std::shared_ptr<const net::TlsClient> client_tls;
  std::unique_ptr<net::Listener> listener;
};

}  // namespace

TEST_CASE("http client: a file over TLS") {
  Loopback web;
  auto got = web.get({.host = "web.test", .path = "/.well-known/mta-sts.txt"});
  REQUIRE(got);
  CHECK(got->status == 200);
  CHECK(got->content_type == "text/plain");
  CHECK(got->body == policy);
  CHECK(web.request.starts_with("GET /.well-known/mta-sts.txt HTTP/1.1\nHost: web.test:"));
}

TEST_CASE("http client: an address where nobody answers is not the last word") {
  Loopback web;
  web.resolver.clear("web.test").add_a("web.test", "127.0.0.2").add_a("web.test", "127.0.0.1");
  CHECK(web.get({.host = "web.test"}));
}

TEST_CASE("http client: a certificate for another name, or of nobody we know") {
  Loopback web;
  auto got = web.get({.host = "other.test"});
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Errc::unavailable);
  CHECK(got.error().text ==
        "other.test (127.0.0.1): the certificate is for web.test, localhost, not for other.test");
  web.client_tls = *net::TlsClient::create();
  CHECK_FALSE(web.get({.host = "web.test"}));
  CHECK(web.request.empty());
}

TEST_CASE("http client: a redirect is an answer, and is not followed") {
  Loopback web;
  web.answer = "HTTP/1.1 302 Found\r\nLocation: https://web.test/x\r\nContent-Length: 0\r\n\r\n";
  auto got = web.get({.host = "web.test"});
  REQUIRE(got);
  CHECK(got->status == 302);
}

TEST_CASE("http client: a server that stops, says too much, or nothing") {
  Loopback web;
  Errc expected = Errc::unavailable;
  ClientOptions options;
  SUBCASE("it stops") {
    web.answer = ok.substr(0, ok.size() - 1);
  }
  SUBCASE("it says too much") {
    options.max_body = policy.size() - 1;
    expected = Errc::over_limit;
  }
  SUBCASE("it is no web server") {
    web.answer = "220 mx.example.jp ESMTP\r\n";
    expected = Errc::invalid;
  }
  SUBCASE("it takes too long") {
    web.answer = ok.substr(0, 10);
    web.holds = true;
    options.timeout = 1s;
  }
  auto got = web.get({.host = "web.test"}, options);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == expected);
}

TEST_CASE("http client: what cannot be asked for is not") {
  Loopback web;
  for (auto host : {"", "web.test\r\nX: y", "web test", "127.0.0.1", "web..test"})
    CHECK(web.get({.host = host}).error().code == Errc::invalid);
  for (auto path : {"", "x", "/a b", "/a\r\nX: y", "/\xE5\xB1\x8A"})
    CHECK(web.get({.host = "web.test", .path = path}).error().code == Errc::invalid);
  CHECK(web.get({.host = "nowhere.test"}).error().code == Errc::not_found);
}
