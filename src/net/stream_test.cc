#include "net/gate.h"
#include "net/memory_stream.h"
#include "net/proxy_protocol.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::net;

namespace {

Stream::Line read_one(MemoryStream& io, std::size_t max) {
  return block_on(io.read_line(max));
}

std::string proxy_v4(char command) {
  std::string header("\r\n\r\n\0\r\nQUIT\n", 12);
  header += static_cast<char>(0x20 | command);
  header += std::string("\x11\0\x0c", 3);
  header += std::string("\xc6\x33\x64\x07\xc0\0\x02\x19", 8);  // 198.51.100.7 → 192.0.2.25
  header += std::string("\x30\x39\0\x19", 4);                  // ports 12345 → 25
  return header;
}

}  // namespace

TEST_CASE("lines in every chunking") {
  for (std::size_t chunk : {1, 2, 3, 7, 4096}) {
    MemoryStream io("EHLO a\r\nNOOP\nthis line is too long\r\nend\r\nrest");
    io.chunk = chunk;
    CHECK(read_one(io, 10).text == "EHLO a");
    auto lf = read_one(io, 10);
    CHECK(lf.text == "NOOP");
    CHECK(lf.bare_lf);
    auto longer = read_one(io, 10);
    CHECK(longer.over_long);
    CHECK(longer.text.empty());
    auto end = read_one(io, 3);
    CHECK(end.text == "end");
    CHECK_FALSE(end.over_long);
    CHECK_FALSE(end.bare_lf);
    CHECK_THROWS_AS(read_one(io, 10), Closed);
  }
}

TEST_CASE("an endless line takes no more memory than its limit and a buffer") {
  MemoryStream io;
  std::size_t fed = 0, most = 0;
  io.on_wait = [&](MemoryStream& stream) {
    most = std::max(most, stream.buffered().size());
    if (fed > (10 << 20)) return;
    stream.feed(std::string(8192, 'x'));
    fed += 8192;
  };
  CHECK_THROWS_AS(read_one(io, 512), Closed);
  CHECK(fed > (10 << 20));
  CHECK(most < 2048);
}

TEST_CASE("replies go out together when the session waits") {
  MemoryStream io("a\r\nb\r\n");
  (void)read_one(io, 10);
  io.write("1");
  (void)read_one(io, 10);
  io.write("2");
  CHECK(io.output().empty());
  CHECK_THROWS_AS(read_one(io, 10), Closed);
  CHECK(io.output() == "12");
}

TEST_CASE("STARTTLS forgets what was sent in the clear") {
  MemoryStream io("STARTTLS\r\nMAIL FROM:<injected@example.test>\r\n");
  (void)read_one(io, 100);
  block_on(io.start_tls(nullptr));
  CHECK(io.buffered().empty());
  CHECK(io.tls() != nullptr);
}

TEST_CASE("PROXY protocol version 2") {
  auto header = proxy_v4(1);
  for (std::size_t n = 0; n < header.size(); ++n) {
    auto part = parse_proxy_header(std::string_view(header).substr(0, n));
    REQUIRE(part.has_value());
    CHECK_FALSE(part->has_value());
  }
  auto whole = parse_proxy_header(header + "EHLO");
  REQUIRE((whole && *whole && (*whole)->peer));
  CHECK((*whole)->length == header.size());
  CHECK((*whole)->peer->address == "198.51.100.7");
  CHECK((*whole)->peer->port == 12345);
  CHECK((*whole)->peer->local_address == "192.0.2.25");
  CHECK((*whole)->peer->local_port == 25);
  auto local = parse_proxy_header(proxy_v4(0));
  REQUIRE((local && *local));
  CHECK_FALSE((*local)->peer.has_value());
  CHECK_FALSE(parse_proxy_header("EHLO").has_value());
  CHECK_FALSE(parse_proxy_header(proxy_v4(2)).has_value());
}

TEST_CASE("peers are counted by network") {
  CHECK(Peer{.address = "192.0.2.7"}.network() == "192.0.2.7");
  CHECK(Peer{.address = "2001:db8:1:2:3:4:5:6"}.network() == "2001:db8:1:2::/64");
  CHECK(Peer{.address = "127.0.0.9"}.is_loopback());
}

TEST_CASE("a gate lets the last one out") {
  Gate gate;
  auto closing = [](Gate* g, bool* closed) -> Task<> {
    co_await g->close();
    *closed = true;
  };
  bool closed = false;
  {
    auto pass = gate.enter();
    CHECK(pass);
    CHECK(gate.inside() == 1);
  }
  block_on(closing(&gate, &closed));
  CHECK(closed);
  CHECK_FALSE(gate.enter());
}
