// Real sockets on loopback: lines, TLS with SNI and reload, limits, deadlines, shutdown.
#include "net/listener.h"
#include "net/runtime.h"
#include "net/tls.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <arpa/inet.h>
#include <filesystem>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace todoke;
using namespace todoke::net;
using namespace std::chrono_literals;

namespace {

const Farewells farewells{"timeout\r\n", "stopping\r\n"};

// Answers each line with itself; "tls" starts TLS, "big" sends 8 MiB, "quit" ends.
struct Echo {
  std::shared_ptr<const TlsContext> tls;

  Task<> run(Stream& io) {
    io.set_farewells(&farewells);
    io.write("hello\r\n");
    bool hurry = false;
    for (;;) {
      io.set_deadline(hurry ? 0s : 60s);
      io.set_interruptible(true);
      auto line = co_await io.read_line(100);
      if (line.text == "quit") break;
      hurry = line.text == "hurry";
      if (line.text == "tls") {
        io.write("go\r\n");
        auto context = tls;
        co_await io.start_tls(std::move(context));
        continue;
      }
      if (line.text == "big")
        for (int i = 0; i < 128; ++i) {
          io.write(std::string(65536, 'x'));
          co_await io.flush();
        }
      io.write(line.text + "\r\n");
    }
    io.write("bye\r\n");
    co_await io.flush();
  }
};

struct Server {
  explicit Server(ListenerOptions options) : runtime(clock, 2) {
    folder = std::filesystem::temp_directory_path() / ("todoke-net-" + std::to_string(getpid()));
    std::filesystem::create_directories(folder);
    files = {folder / "cert.pem", folder / "key.pem"};
    REQUIRE(write_self_signed("mx.example.test", files));
    holder = std::make_unique<TlsHolder>(std::vector{files});
    REQUIRE(holder->reload());
    echo.tls = holder->current();
    options.tls = holder.get();
    options.address = "127.0.0.1";
    auto session = [this](Stream& io) { return echo.run(io); };
    auto opened = Listener::open(runtime, std::move(options), session);
    REQUIRE(opened);
    listener = *std::move(opened);
    listener->start();
    runtime.start();
  }
  ~Server() {
    listener->stop();
    runtime.interrupt_idle();
    block_on(listener->drained());
    runtime.stop();
    std::filesystem::remove_all(folder);
  }

  SystemClock clock;
  Runtime runtime;
  Echo echo;
  std::filesystem::path folder;
  CertificateFiles files;
  std::unique_ptr<TlsHolder> holder;
  std::unique_ptr<Listener> listener;
};

// Of a connection over IPv4 from port 4711 of `source` (four bytes) to port 25.
std::string proxy_header(std::string_view source) {
  std::string header("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0C", 16);
  header += source;
  return header.append("\xC0\0\2\x19\x12\x67\0\x19", 8);
}

struct Client {
  explicit Client(std::uint16_t port, const char* from = "127.0.0.1") {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    inet_pton(AF_INET, from, &at.sin_addr);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    at.sin_port = htons(port);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  }
  ~Client() { ::close(fd); }
  void say(std::string_view text) { REQUIRE(::send(fd, text.data(), text.size(), 0) > 0); }
  // Reads until `text` has come or the connection ends.
  std::string until(std::string_view text) {
    std::string got;
    char buffer[65536];
    while (got.find(text) == got.npos) {
      auto n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      got.append(buffer, static_cast<std::size_t>(n));
    }
    return got;
  }
  int fd;
};

}  // namespace

TEST_CASE("a session over TCP") {
  Server server({.name = "echo"});
  Client client(server.listener->port());
  CHECK(client.until("\n") == "hello\r\n");
  client.say("one\r\ntwo\r\nquit\r\n");
  CHECK(client.until("bye\r\n") == "one\r\ntwo\r\nbye\r\n");
}

TEST_CASE("a slow reader gets all of a large answer") {
  Server server({.name = "echo"});
  Client client(server.listener->port());
  client.until("\n");
  client.say("big\r\n");
  std::this_thread::sleep_for(50ms);  // lets the socket buffers fill, whatever the machine's speed
  CHECK(client.until("big\r\n").size() == (8u << 20) + 5);
}

TEST_CASE("STARTTLS with SNI and channel binding") {
  Server server({.name = "echo"});
  Client client(server.listener->port());
  client.until("\n");
  client.say("tls\r\ninjected\r\n");
  CHECK(client.until("\n") == "go\r\n");
  auto* context = SSL_CTX_new(TLS_client_method());
  auto* ssl = SSL_new(context);
  SSL_set_fd(ssl, client.fd);
  SSL_set_tlsext_host_name(ssl, "mx.example.test");
  REQUIRE(SSL_connect(ssl) == 1);
  SSL_write(ssl, "safe\r\n", 6);
  char buffer[100] = {};
  CHECK(SSL_read(ssl, buffer, sizeof buffer) == 6);
  CHECK(std::string(buffer) == "safe\r\n");
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_CASE("implicit TLS, and a certificate replaced while running") {
  Server server({.name = "echo", .implicit_tls = true});
  auto serial = [&] {
    Client client(server.listener->port());
    auto* context = SSL_CTX_new(TLS_client_method());
    auto* ssl = SSL_new(context);
    SSL_set_fd(ssl, client.fd);
    REQUIRE(SSL_connect(ssl) == 1);
    auto* certificate = SSL_get1_peer_certificate(ssl);
    unsigned char hash[32];
    X509_digest(certificate, EVP_sha256(), hash, nullptr);
    X509_free(certificate);
    SSL_free(ssl);
    SSL_CTX_free(context);
    return std::string(reinterpret_cast<char*>(hash), sizeof hash);
  };
  auto before = serial();
  CHECK(serial() == before);
  REQUIRE(write_self_signed("other.example.test", server.files));
  REQUIRE(server.holder->reload());
  CHECK(serial() != before);
  std::filesystem::remove(server.files.key);
  CHECK_FALSE(server.holder->reload());
  CHECK(server.holder->current() != nullptr);
}

TEST_CASE("connection limits say why") {
  Server server({.name = "echo", .max_connections = 2, .too_many = "busy\r\n"});
  Client a(server.listener->port()), b(server.listener->port());
  a.until("\n");
  b.until("\n");
  Client c(server.listener->port());
  CHECK(c.until("\n") == "busy\r\n");
  CHECK(c.until("\n").empty());
  a.say("still here\r\n");
  CHECK(a.until("\n") == "still here\r\n");
}

TEST_CASE("who comes through a proxy is counted by the address that the header names") {
  Server server({.name = "echo",
                 .max_connections_per_network = 1,
                 .proxies = {"127.0.0.1"},
                 .too_many = "busy\r\n"});
  auto port = server.listener->port();
  const std::string ours({'\xC0', '\0', '\2', '\7'}), other({'\xC6', '\x33', '\x64', '\7'});
  {
    Client first(port), second(port), third(port), health_check(port), again(port);
    first.say(proxy_header(ours));
    CHECK(first.until("\n") == "hello\r\n");
    second.say(proxy_header(ours));
    CHECK(second.until("never") == "busy\r\n");
    third.say(proxy_header(other));
    CHECK(third.until("\n") == "hello\r\n");
    // LOCAL names nobody, so nobody is counted.
    for (auto* one : {&health_check, &again}) {
      one->say(std::string(proxy_header(ours)).replace(12, 1, "\x20"));
      CHECK(one->until("\n") == "hello\r\n");
    }
    first.say("quit\r\n");
    CHECK(first.until("never") == "bye\r\n");
  }
  Client later(port);
  later.say(proxy_header(ours));
  CHECK(later.until("\n") == "hello\r\n");
}

TEST_CASE("TLS may begin in the packet of the PROXY header") {
  Server server({.name = "echo", .implicit_tls = true, .proxies = {"127.0.0.1"}});
  Client client(server.listener->port());
  auto* context = SSL_CTX_new(TLS_client_method());
  auto* ssl = SSL_new(context);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  CHECK(SSL_connect(ssl) == -1);  // it has written its ClientHello
  char* hello = nullptr;
  auto size = BIO_get_mem_data(SSL_get_wbio(ssl), &hello);
  REQUIRE(size > 0);
  client.say(proxy_header({"\xC0\0\2\7", 4}) + std::string(hello, static_cast<std::size_t>(size)));
  timeval patience{.tv_sec = 10, .tv_usec = 0};
  setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  SSL_set_fd(ssl, client.fd);
  CHECK(SSL_connect(ssl) == 1);
  char buffer[100] = {};
  CHECK(SSL_read(ssl, buffer, sizeof buffer) == 7);
  CHECK(std::string(buffer) == "hello\r\n");
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_CASE("a deadline ends the wait with words") {
  Server server({.name = "echo"});
  Client client(server.listener->port());
  client.until("\n");
  client.say("hurry\r\n");
  CHECK(client.until("never") == "hurry\r\ntimeout\r\n");
}

TEST_CASE("a stopping server says good-bye to who waits") {
  std::string farewell;
  std::thread reader;
  {
    Server server({.name = "echo"});
    auto port = server.listener->port();
    Completion greeted;
    reader = std::thread([&] {
      Client client(port);
      client.until("\n");
      greeted.set();
      farewell = client.until("never");
    });
    block_on(greeted.wait());
  }
  reader.join();
  CHECK(farewell == "stopping\r\n");
}
