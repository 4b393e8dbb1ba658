#include "directory/sasl_server.h"

#include "crypto/scram_client.h"
#include "directory/directory.h"
#include "net/memory_stream.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::directory;
using Kind = SaslServer::Step::Kind;

namespace {

const net::TlsInfo some_tls{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""};

struct Scene {
  Scene() {
    const Actor tester{"test", "local"};
    REQUIRE(block_on(directory.create_organisation(tester, {.name = "Test", .quota_bytes = {}})));
    REQUIRE(block_on(directory.create_domain(tester, "Test", "example.test")));
    NewAccount ann{.address = "ann@example.test", .password = "secret", .quota_bytes = {}};
    REQUIRE(block_on(directory.create_account(tester, ann)));
  }
  static DirectoryOptions cheap() {
    DirectoryOptions options;
    options.password_cost = crypto::cheapest;
    options.scram_iterations = crypto::min_scram_iterations;
    return options;
  }

  SimulatedClock clock{Time(std::chrono::days(20'000))};
  IdGenerator ids{clock};
  WorkerPool pool{1};
  std::unique_ptr<sql::Db> db = sql::open_memory();
  Directory directory{*db, clock, ids, pool, cheap()};
  net::MemoryStream io;

  SaslServer server() { return {directory, io, Service::pop3}; }
};

SaslServer::Step start(SaslServer& server, std::string mechanism,
                       std::optional<std::string> initial = {}) {
  return block_on(server.start(std::move(mechanism), std::move(initial)));
}
SaslServer::Step respond(SaslServer& server, std::string message) {
  return block_on(server.respond(std::move(message)));
}

std::string plain(std::string_view authzid, std::string_view name, std::string_view password) {
  std::string message(authzid);
  message += '\0';
  message += name;
  message += '\0';
  return message += password;
}

crypto::ScramClient scram_client(std::string name, std::string password,
                                 crypto::ScramClient::Binding binding,
                                 std::optional<crypto::ChannelBinding> channel = {}) {
  crypto::SaslCredentials who{{}, std::move(name), std::move(password)};
  auto client = crypto::ScramClient::start(who, binding, std::move(channel));
  REQUIRE(client);
  return *std::move(client);
}

// Up to the answer to the client's proof.
SaslServer::Step prove(SaslServer& server, std::string mechanism, crypto::ScramClient& client) {
  auto first = start(server, std::move(mechanism), client.client_first());
  REQUIRE(first.kind == Kind::challenge);
  auto proof = client.client_final(first.challenge);
  REQUIRE(proof);
  return respond(server, *proof);
}

}  // namespace

TEST_CASE("what is offered depends on TLS and on trust") {
  using List = std::vector<std::string_view>;
  net::MemoryStream io;
  CHECK(SaslServer::mechanisms(io, false) == List{"SCRAM-SHA-256"});
  CHECK(SaslServer::mechanisms(io, true) == List{"SCRAM-SHA-256", "PLAIN", "LOGIN"});
  io.pretend_tls(some_tls);
  CHECK(SaslServer::mechanisms(io, false) ==
        List{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"});
}

TEST_CASE("RFC 4616: PLAIN, with and without initial response") {
  Scene scene;
  auto server = scene.server();
  auto step = start(server, "PLAIN", plain("", "ann@example.test", "secret"));
  REQUIRE(step.kind == Kind::done);
  CHECK(step.principal.address == "ann@example.test");

  auto later = scene.server();
  step = start(later, "PLAIN");
  REQUIRE(step.kind == Kind::challenge);
  CHECK(step.challenge.empty());
  CHECK(respond(later, plain("Ann@example.test", "ann@example.test", "secret")).kind == Kind::done);
}

TEST_CASE("RFC 4616: PLAIN refuses other identities, wrong passwords and malformed messages") {
  Scene scene;
  auto refusal = [&](const std::string& message) {
    auto server = scene.server();
    auto step = start(server, "PLAIN", message);
    REQUIRE(step.kind == Kind::failed);
    return step.error.code;
  };
  CHECK(refusal(plain("bob@example.test", "ann@example.test", "secret")) == Errc::denied);
  CHECK(refusal(plain("", "ann@example.test", "wrong")) == Errc::denied);
  CHECK(refusal(plain("", "nobody@example.test", "secret")) == Errc::denied);
  CHECK(refusal("") == Errc::invalid);
  CHECK(refusal("ann@example.test secret") == Errc::invalid);
  CHECK(refusal(plain("", "ann@example.test", "")) == Errc::invalid);
}

TEST_CASE("RFC 5802 §9: an unknown name has the same salt for ever, also after a restart") {
  Scene scene;
  auto salt_of = [&](Directory& directory, std::string name) {
    SaslServer server{directory, scene.io, Service::pop3};
    auto client =
        scram_client(std::move(name), "secret", crypto::ScramClient::Binding::unsupported);
    auto challenge = start(server, "SCRAM-SHA-256", client.client_first()).challenge;
    return challenge.substr(challenge.find(",s="));
  };
  auto known = salt_of(scene.directory, "ann@example.test");
  auto unknown = salt_of(scene.directory, "nobody@example.test");
  CHECK(salt_of(scene.directory, "nobody@example.test") == unknown);
  CHECK(salt_of(scene.directory, "other@example.test") != unknown);
  Directory restarted{*scene.db, scene.clock, scene.ids, scene.pool, Scene::cheap()};
  CHECK(salt_of(restarted, "ann@example.test") == known);
  CHECK(salt_of(restarted, "nobody@example.test") == unknown);
  Scene another;
  CHECK(salt_of(another.directory, "nobody@example.test") != unknown);
}

TEST_CASE("LOGIN asks for name and password") {
  Scene scene;
  auto server = scene.server();
  CHECK(start(server, "LOGIN").challenge == "Username:");
  CHECK(respond(server, "ann@example.test").challenge == "Password:");
  CHECK(respond(server, "secret").kind == Kind::done);

  auto quick = scene.server();
  CHECK(start(quick, "LOGIN", "ann@example.test").challenge == "Password:");
  auto step = respond(quick, "wrong");
  CHECK(step.kind == Kind::failed);
  CHECK(step.error.code == Errc::denied);
}

TEST_CASE("RFC 7677: SCRAM-SHA-256, to the client's acknowledgement") {
  Scene scene;
  auto server = scene.server();
  auto client =
      scram_client("ann@example.test", "secret", crypto::ScramClient::Binding::unsupported);
  auto step = prove(server, "SCRAM-SHA-256", client);
  REQUIRE(step.kind == Kind::challenge);
  CHECK(client.check(step.challenge));
  step = respond(server, "");
  REQUIRE(step.kind == Kind::done);
  CHECK(step.principal.address == "ann@example.test");

  auto again = scene.server();
  auto talkative =
      scram_client("ann@example.test", "secret", crypto::ScramClient::Binding::unsupported);
  CHECK(prove(again, "SCRAM-SHA-256", talkative).kind == Kind::challenge);
  step = respond(again, "more");
  CHECK(step.kind == Kind::failed);
  CHECK(step.error.code == Errc::invalid);
}

TEST_CASE("RFC 5802 §6: -PLUS is bound to this connection, and downgrades are noticed") {
  using Binding = crypto::ScramClient::Binding;
  Scene scene;
  scene.io.pretend_tls(some_tls);
  crypto::ChannelBinding ours{"tls-exporter", *scene.io.channel_binding("tls-exporter")};

  auto server = scene.server();
  auto client = scram_client("ann@example.test", "secret", Binding::bound, ours);
  auto step = prove(server, "SCRAM-SHA-256-PLUS", client);
  REQUIRE(step.kind == Kind::challenge);
  CHECK(client.check(step.challenge));
  CHECK(respond(server, "").kind == Kind::done);

  auto relayed = scene.server();
  crypto::ChannelBinding theirs{"tls-exporter", std::string(32, 'x')};
  auto victim = scram_client("ann@example.test", "secret", Binding::bound, theirs);
  step = prove(relayed, "SCRAM-SHA-256-PLUS", victim);
  CHECK(step.kind == Kind::failed);
  CHECK(step.error.code == Errc::denied);

  auto stripped = scene.server();
  auto misled = scram_client("ann@example.test", "secret", Binding::not_offered);
  CHECK(start(stripped, "SCRAM-SHA-256", misled.client_first()).kind == Kind::failed);
}

TEST_CASE("SCRAM does not tell who exists") {
  Scene scene;
  auto refused = [&](const std::string& name) {
    auto server = scene.server();
    auto client = scram_client(name, "wrong", crypto::ScramClient::Binding::unsupported);
    auto step = prove(server, "SCRAM-SHA-256", client);
    CHECK(step.kind == Kind::failed);
    return step.error;
  };
  auto somebody = refused("ann@example.test"), nobody = refused("nobody@example.test");
  CHECK(somebody.code == Errc::denied);
  CHECK(nobody.code == Errc::denied);
  CHECK(somebody.text == nobody.text);

  // The salt of a name stays the same, as a real one would.
  auto salt_of = [&](const std::string& name) {
    auto server = scene.server();
    auto first = start(server, "SCRAM-SHA-256", "n,,n=" + name + ",r=abc").challenge;
    auto at = first.find(",s=");
    return first.substr(at, first.find(",i=") - at);
  };
  CHECK(salt_of("nobody@example.test") == salt_of("nobody@example.test"));
  CHECK(salt_of("nobody@example.test") != salt_of("noone@example.test"));
  CHECK(salt_of("ann@example.test") == salt_of("ann@example.test"));
}

TEST_CASE("guessing is throttled in every mechanism") {
  Scene scene;
  auto code = Errc::denied;
  for (int i = 0; i < 200 && code == Errc::denied; ++i) {
    auto server = scene.server();
    code = start(server, "PLAIN", plain("", "ann@example.test", "guess" + std::to_string(i)))
               .error.code;
  }
  CHECK(code == Errc::over_limit);
  auto server = scene.server();
  auto step = start(server, "SCRAM-SHA-256", "n,,n=ann@example.test,r=abc");
  CHECK(step.kind == Kind::failed);
  CHECK(step.error.code == Errc::over_limit);
}
