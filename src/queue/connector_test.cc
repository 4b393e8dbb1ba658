#include "queue/connector.h"

#include "queue/judge.h"
#include "queue/test_scene.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;
using namespace todoke::queue::test;
using namespace std::chrono_literals;

namespace {

using Mode = trust::MtaStsPolicy::Mode;
using Verify = net::TlsExpectation::Verify;
using Verified = net::TlsInfo::Verified;

std::shared_ptr<const net::TlsClient> tls_client() {
  return net::TlsClient::create().value();
}

// Servers a.example.jp (192.0.2.1) and b.example.jp (192.0.2.2), which offer STARTTLS.
struct Fixture : Rows {
  Fixture() {
    resolver.add_a("a.example.jp", "192.0.2.1").add_a("b.example.jp", "192.0.2.2");
    servers.answer = [this](const std::string& address, const std::string& line) {
      if (!line.starts_with("EHLO")) return polite(line);
      return "250-hi" + extensions[address] + "\r\n250 8BITMIME";
    };
    servers.prepare = [this](const std::string& address, net::MemoryStream& stream) {
      dialled.push_back(address);
      stream.agreed.verified = verified[address];
      stream.tls_failure = tls_failures[address];
    };
    for (auto address : {"192.0.2.1", "192.0.2.2"}) {
      extensions[address] = "\r\n250-STARTTLS";
      verified[address] = Verified::web_pki;
    }
  }

  Route route() {
    return {.domain = "example.jp",
            .hosts = {{10, "a.example.jp"}, {20, "b.example.jp"}},
            .provider = &provider::Book::built_in().generic()};
  }
  Route route(Mode mode, std::vector<std::string> mx) {
    auto made = route();
    made.sts = std::make_shared<const trust::MtaStsPolicy>(
        trust::MtaStsPolicy{.mode = mode, .max_age = 1h, .mx = std::move(mx)});
    return made;
  }
  void publish_tlsa(const std::string& host, std::uint8_t usage) {
    resolver.sign(host);
    resolver.add_tlsa(host, 25, {usage, 1, 1, std::string(32, 'x')});
  }
  Connector::Answer open(Route to, Protection protection = Protection::as_routed) {
    return block_on(connector.open(std::move(to), "generic", protection));
  }
  static const net::TlsExpectation* expectation(const Connector::Answer& answer) {
    const auto& stream = dynamic_cast<net::MemoryStream&>(*answer->stream);
    return stream.expectation() ? &*stream.expectation() : nullptr;
  }
  // What becomes of a message that waited for it.
  static Judgement judgement(const NoConnection& none) {
    const auto& book = provider::Book::built_in();
    return judge(book, book.generic(), Job{}, none.ending);
  }

  std::map<std::string, std::string> extensions, tls_failures;
  std::map<std::string, Verified> verified;
  std::vector<std::string> dialled;
  WorkerPool pool{1};
  dns::FakeResolver resolver;
  Servers servers;
  Parts parts{.db = *db,
              .blobs = *blobs,
              .clock = clock,
              .ids = ids,
              .pool = pool,
              .resolver = resolver,
              .dialer = servers,
              .book = provider::Book::built_in(),
              .tls = tls_client(),
              .options = {.helo = "home.example"},
              .renderers = {},
              .bounce_address = {},
              .spawn = {}};
  Connector connector{parts};
};

}  // namespace

TEST_CASE("connector: without a policy TLS is used when it works") {
  Fixture f;
  f.verified["192.0.2.1"] = Verified::none;
  auto answer = f.open(f.route());
  REQUIRE(answer);
  CHECK(answer->record.tls == "TLSv1.3 unverified");
  CHECK(f.expectation(answer)->verify == Verify::none);
  CHECK_FALSE(answer->is_proven);
  f.tls_failures["192.0.2.1"] = "no common cipher";
  answer = f.open(f.route());
  REQUIRE(answer);
  CHECK(answer->record.tls == "none: no common cipher");
}

// RFC 8461 §5.
TEST_CASE("connector: an enforced policy asks for the named server's certificate") {
  Fixture f;
  auto answer = f.open(f.route(Mode::enforce, {"*.example.jp"}));
  REQUIRE(answer);
  CHECK(answer->record.host == "a.example.jp");
  CHECK(answer->record.tls == "TLSv1.3 verified");
  CHECK(f.expectation(answer)->verify == Verify::web_pki);
  CHECK(f.expectation(answer)->server_name == "a.example.jp");
  CHECK(f.expectation(answer)->names.empty());
}

TEST_CASE("connector: servers that an enforced policy does not name are passed over") {
  Fixture f;
  auto answer = f.open(f.route(Mode::enforce, {"b.example.jp"}));
  REQUIRE(answer);
  CHECK(answer->record.host == "b.example.jp");
  CHECK(f.dialled == std::vector<std::string>{"192.0.2.2"});

  answer = f.open(f.route(Mode::enforce, {"mx.example.jp"}));
  REQUIRE_FALSE(answer);
  const auto& none = answer.error();
  CHECK(none.ending.stage == smtp::Stage::starttls);
  CHECK(none.ending.breakdown == smtp::Breakdown::tls);
  CHECK(none.ending.text ==
        "the MTA-STS policy of example.jp does not name its server a.example.jp");
  CHECK_FALSE(none.only_unproven);
  CHECK(f.dialled.size() == 1);
}

TEST_CASE("connector: nothing goes in the clear, or to strangers, against an enforced policy") {
  Fixture f;
  SUBCASE("STARTTLS is not offered") {
    f.extensions.clear();
  }
  SUBCASE("the certificate does not do") {
    f.tls_failures["192.0.2.1"] = f.tls_failures["192.0.2.2"] = "the certificate is self-signed";
  }
  SUBCASE("TLS came about, and nothing vouched for the server") {
    f.verified.clear();
  }
  SUBCASE("we have no TLS ourselves") {
    f.parts.tls = nullptr;
    f.dialled = {"192.0.2.1", "192.0.2.2"};
  }
  auto answer = f.open(f.route(Mode::enforce, {"*.example.jp"}));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().ending.stage == smtp::Stage::starttls);
  CHECK(answer.error().ending.breakdown == smtp::Breakdown::tls);
  CHECK_FALSE(answer.error().only_unproven);
  CHECK(f.dialled == std::vector<std::string>{"192.0.2.1", "192.0.2.2"});  // each once
  auto judgement = f.judgement(answer.error());
  CHECK(judgement.outcome.kind == EventKind::deferred);
  CHECK(judgement.outcome.reply_class == provider::ReplyClass::unreachable);
}

TEST_CASE("connector: the other server is tried when the first fails an enforced policy") {
  Fixture f;
  f.tls_failures["192.0.2.1"] = "the certificate expired on 2026-11-01";
  auto answer = f.open(f.route(Mode::enforce, {"*.example.jp"}));
  REQUIRE(answer);
  CHECK(answer->record.host == "b.example.jp");
  CHECK(answer->record.tls == "TLSv1.3 verified");
}

TEST_CASE("connector: a policy in mode testing stops nothing") {
  Fixture f;
  f.tls_failures["192.0.2.1"] = "the certificate is self-signed";
  auto answer = f.open(f.route(Mode::testing, {"mx.example.jp"}));
  REQUIRE(answer);
  CHECK(answer->record.host == "a.example.jp");
  CHECK(answer->record.tls == "none: the certificate is self-signed");
}

TEST_CASE("connector: DANE counts before a policy") {
  Fixture f;
  f.verified["192.0.2.1"] = Verified::dane;
  auto to = f.route(Mode::enforce, {"mx.example.jp"});
  to.is_secure = true;
  SUBCASE("with a record that can be used") {
    f.publish_tlsa("a.example.jp", 3);
    auto answer = f.open(to);
    REQUIRE(answer);
    CHECK(answer->record.tls == "TLSv1.3 dane");
    CHECK(f.expectation(answer)->verify == Verify::dane);
  }
  SUBCASE("not with one of no use: it vouches for nothing") {
    f.publish_tlsa("a.example.jp", 1);
    CHECK_FALSE(f.open(to));
    CHECK(f.dialled.empty());
    auto answer = f.open(f.route(Mode::enforce, {"a.example.jp"}));
    REQUIRE(answer);
    CHECK(f.expectation(answer)->verify == Verify::web_pki);
  }
  SUBCASE("TLSA records that cannot be looked up keep the host out") {
    f.resolver.sign("a.example.jp").fail("_25._tcp.a.example.jp");
    auto answer = f.open(to);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().ending.breakdown == smtp::Breakdown::dns);
    CHECK(f.dialled.empty());
  }
}

// RFC 8689 §4.2.1.
TEST_CASE("connector: what a message that requires TLS finds") {
  Fixture f;
  f.extensions["192.0.2.1"] = f.extensions["192.0.2.2"] = "\r\n250-STARTTLS\r\n250-REQUIRETLS";
  auto named = f.route(Mode::testing, {"*.example.jp"});
  auto to = named;
  bool is_returned = false;
  SUBCASE("a server that does all, named by the policy") {
    auto answer = f.open(to, Protection::proven);
    REQUIRE(answer);
    CHECK(answer->is_proven);
    CHECK(f.expectation(answer)->verify == Verify::web_pki);
    CHECK(f.open(to)->is_proven);  // as it happens
    return;
  }
  SUBCASE("a server that does all, named by DNSSEC") {
    to = f.route();
    to.is_secure = true;
    CHECK(f.open(to, Protection::proven)->is_proven);
    return;
  }
  SUBCASE("one that does, behind one that does not") {
    f.extensions["192.0.2.1"] = "\r\n250-STARTTLS";
    auto answer = f.open(to, Protection::proven);
    REQUIRE(answer);
    CHECK(answer->record.host == "b.example.jp");
    CHECK_FALSE(f.open(to)->is_proven);
    return;
  }
  SUBCASE("servers for which nobody vouches") {
    to = f.route();
    CHECK_FALSE(f.open(to)->is_proven);
  }
  SUBCASE("servers without STARTTLS") {
    f.extensions.clear();
  }
  SUBCASE("certificates that do not do") {
    f.tls_failures["192.0.2.1"] = f.tls_failures["192.0.2.2"] = "the certificate is self-signed";
  }
  SUBCASE("servers that do not know the extension") {
    f.extensions["192.0.2.1"] = f.extensions["192.0.2.2"] = "\r\n250-STARTTLS";
    is_returned = true;
  }
  SUBCASE("one that does not know it, and one that may") {
    f.extensions["192.0.2.1"] = "\r\n250-STARTTLS";
    f.tls_failures["192.0.2.2"] = "the certificate is self-signed";
  }
  auto answer = f.open(to, Protection::proven);
  REQUIRE_FALSE(answer);
  REQUIRE(answer.error().only_unproven);
  auto judgement = judge_unproven(Job{}, answer.error().ending);
  CHECK(judgement.outcome.kind == (is_returned ? EventKind::failed : EventKind::deferred));
  CHECK(judgement.outcome.code == (is_returned ? 550 : 0));
  CHECK_FALSE(judgement.outcome.text.empty());
}

TEST_CASE("connector: servers that are down are down for messages that require TLS too") {
  Fixture f;
  f.servers.refuse = [](const std::string&) {
    return net::DialFailure{net::DialFailure::Kind::refused, "connection refused"};
  };
  auto answer = f.open(f.route(Mode::testing, {"*.example.jp"}), Protection::proven);
  REQUIRE_FALSE(answer);
  CHECK_FALSE(answer.error().only_unproven);
  CHECK(answer.error().ending.breakdown == smtp::Breakdown::refused);
}

TEST_CASE("queue: a message that requires TLS waits, and the others go") {
  Scene scene({}, nullptr, tls_client());
  scene.add_server("example.jp", "192.0.2.1");
  scene.go();
  Rows::Mail strict{.to = {"a@example.jp"}}, plain{.to = {"b@example.jp"}};
  strict.require_tls = true;
  auto first = scene.enqueue(strict);
  auto second = scene.enqueue(plain);
  scene.pass(10s);
  CHECK(scene.state({first, 1}) == State::waiting);
  CHECK(scene.events({first, 1}).back() == EventKind::deferred);
  CHECK(scene.state({second, 1}) == State::delivered);
  // Over a connection that is open for others too, and is not paused for its sake.
  scene.pass(20min);
  auto third = scene.enqueue(plain);
  scene.pass(1s);
  CHECK(scene.state({third, 1}) == State::delivered);
  CHECK(scene.state({first, 1}) == State::waiting);
  // In the end it is returned, as all that does not arrive.
  scene.pass(default_lifetime);
  CHECK(scene.state({first, 1}) == State::expired);
}

TEST_CASE("queue: a connection that does all that is asked takes a message that requires TLS") {
  Scene scene({}, nullptr, tls_client());
  scene.add_server("example.jp", "192.0.2.1");
  scene.resolver.sign("example.jp");
  scene.servers.prepare = [](const std::string&, net::MemoryStream& stream) {
    stream.agreed.verified = Verified::web_pki;
  };
  std::vector<std::string> said;
  scene.servers.answer = [&](const std::string&, const std::string& line) -> std::string {
    if (line.starts_with("MAIL")) said.push_back(line);
    if (line.starts_with("EHLO")) return "250-hi\r\n250-STARTTLS\r\n250 REQUIRETLS";
    return polite(line);
  };
  Rows::Mail strict{.to = {"a@example.jp"}};
  strict.require_tls = true;
  auto id = scene.enqueue(strict);
  scene.go();
  scene.pass(1s);
  CHECK(scene.state({id, 1}) == State::delivered);
  REQUIRE(said.size() == 1);
  CHECK(said.front().ends_with(" REQUIRETLS"));
}

namespace {

struct OneFile final : trust::StsFetcher {
  Task<Result<std::string>> fetch(std::string) override {
    co_return "version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 604800\n";
  }
};

}  // namespace

TEST_CASE("queue: two domains with the same servers, and the policy of one of them") {
  OneFile web;
  Scene scene({}, nullptr, tls_client(), &web);
  // The server has no TLS.
  scene.add_server("a.example", "192.0.2.1");
  scene.resolver.add_mx("b.example", 10, "mx.a.example");
  scene.resolver.add_txt("_mta-sts.a.example", "v=STSv1; id=1;");
  auto guarded = scene.enqueue({.to = {"x@a.example"}});
  auto plain = scene.enqueue({.to = {"x@b.example"}});
  scene.go();
  scene.pass(10s);
  CHECK(scene.state({plain, 1}) == State::delivered);
  CHECK(scene.state({guarded, 1}) == State::waiting);
  CHECK(scene.events({guarded, 1}).back() == EventKind::deferred);
  CHECK(scene.count("select count(*) from queue_event where breakdown = 6 and reply_class = 9") >
        0);
  // Mended: TLS with a certificate in order.
  scene.servers.prepare = [](const std::string&, net::MemoryStream& stream) {
    stream.agreed.verified = Verified::web_pki;
  };
  scene.servers.answer = [](const std::string&, const std::string& line) -> std::string {
    return line.starts_with("EHLO") ? "250-hi\r\n250 STARTTLS" : polite(line);
  };
  scene.pass(2h);
  CHECK(scene.state({guarded, 1}) == State::delivered);
}
