#include "dns/unbound_resolver.h"

#include <doctest/doctest.h>

#include <string>

using namespace todoke;

// What needs no network; tests/interop/dns_test.py lets it ask a server.

TEST_CASE("a resolver that was told nonsense does not start") {
  auto error_of = [](const dns::UnboundOptions& options) {
    auto opened = dns::UnboundResolver::open(options);
    REQUIRE_FALSE(opened);
    return opened.error().code;
  };
  CHECK(error_of({.forwarder = "dns.example"}) == Errc::invalid);
  CHECK(error_of({.forwarder = "127.0.0.1@port"}) == Errc::invalid);
  CHECK(error_of({.forwarder = "127.0.0.1", .trust_anchors = {"example.jp"}}) == Errc::invalid);
}

TEST_CASE("a resolver starts and stops without being asked; names are checked first") {
  auto opened = dns::UnboundResolver::open({.forwarder = "127.0.0.1@9", .trust_anchor_file = ""});
  REQUIRE(opened);
  auto answer = block_on((*opened)->resolve("a..b", dns::Type::a));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::invalid);
}

TEST_CASE("no query at once is allowed where none may be outstanding") {
  auto opened = dns::UnboundResolver::open(
      {.forwarder = "127.0.0.1@9", .trust_anchor_file = "", .max_outstanding = 0});
  REQUIRE(opened);
  auto answer = block_on((*opened)->resolve("example.jp", dns::Type::a));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::unavailable);
}
