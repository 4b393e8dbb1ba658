#include "crypto/scram.h"

#include "base/encoding.h"
#include "crypto/scram_client.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

using namespace todoke;
using namespace todoke::crypto;
using namespace std::string_view_literals;

namespace {

// RFC 7677 §3.
constexpr std::string_view client_nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view example_client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view example_server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr std::string_view example_client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr std::string_view example_server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

// Computed with Python's hashlib and hmac.
constexpr std::string_view example_keys =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

const ScramKeys& pencil() {
  static const ScramKeys keys = *decode_scram(example_keys);
  return keys;
}

const std::vector<ChannelBinding> both_bindings = {{"tls-exporter", std::string(32, '\xE1')},
                                                   {"tls-server-end-point", std::string(32, 'c')}};

using enum ScramMechanism;

// The refusal of a client-first message, or "" when it is taken.
std::string refusal(std::string_view client_first, ScramMechanism mechanism = scram_sha_256,
                    std::vector<ChannelBinding> offered = {}) {
  ScramServer server(mechanism, std::move(offered), std::string(server_nonce));
  auto claim = server.client_first(client_first);
  return claim ? "" : claim.error().reply;
}

// The server's answer to a client-final message in the example's exchange.
std::string final_answer(std::string_view client_final, const ScramKeys& keys = pencil()) {
  ScramServer server(scram_sha_256, {}, std::string(server_nonce));
  REQUIRE(server.client_first(example_client_first).has_value());
  (void)server.server_first(keys);
  auto answer = server.client_final(client_final);
  return answer ? *answer : answer.error().reply;
}

// A whole exchange of our client and our server; the server's last word.
struct Exchange {
  ScramMechanism mechanism = scram_sha_256;
  std::vector<ChannelBinding> offered = {};
  ScramClient::Binding binding = ScramClient::Binding::unsupported;
  std::optional<ChannelBinding> channel = {};
  std::string password = "pencil";
  ScramKeys keys = pencil();
};
std::string run(const Exchange& e) {
  auto client =
      ScramClient::start({"other,=", "u,s=er", e.password}, e.binding, e.channel, "clientnonce");
  REQUIRE(client.has_value());
  ScramServer server(e.mechanism, e.offered);
  auto claim = server.client_first(client->client_first());
  if (!claim) return claim.error().reply;
  CHECK(claim->user_name == "u,s=er");
  CHECK(claim->authorization_identity == "other,=");
  auto client_final = client->client_final(server.server_first(e.keys));
  REQUIRE(client_final.has_value());
  auto answer = server.client_final(*client_final);
  auto last = answer ? *answer : answer.error().reply;
  CHECK(client->check(last).has_value() == answer.has_value());
  return answer ? "ok" : last;
}

}  // namespace

TEST_CASE("RFC 7677 §3, the server's side") {
  ScramServer server(scram_sha_256, {}, std::string(server_nonce));
  auto claim = server.client_first(example_client_first);
  REQUIRE(claim.has_value());
  CHECK(claim->user_name == "user");
  CHECK(claim->authorization_identity == "");
  auto salt = base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
  CHECK(server.server_first(*derive_scram("pencil", *salt, 4096)) == example_server_first);
  CHECK(server.client_final(example_client_final) == std::string(example_server_final));
}

TEST_CASE("RFC 7677 §3, the client's side") {
  auto client = ScramClient::start({"", "user", "pencil"}, ScramClient::Binding::unsupported, {},
                                   std::string(client_nonce));
  REQUIRE(client.has_value());
  CHECK(client->client_first() == example_client_first);
  CHECK(client->client_final(example_server_first) == std::string(example_client_final));
  CHECK(client->check(example_server_final).has_value());
}

TEST_CASE("keys as text") {
  auto keys = decode_scram(example_keys);
  REQUIRE(keys.has_value());
  CHECK(keys->iterations == 4096);
  CHECK(encode_scram(*keys) == example_keys);
  CHECK(derive_scram("pencil", keys->salt, 4096).value() == *keys);

  for (std::string_view bad : {
           "",
           "SCRAM-SHA-256$",
           "SCRAM-SHA-1$4096:AAAA$AAAA:AAAA",
           "SCRAM-SHA-256$4096",
           "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==",
           "SCRAM-SHA-256$4095:W22ZaJ0SNY7soEsUEjb6gQ==$"
           "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
           "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
           "SCRAM-SHA-256$1000001:W22ZaJ0SNY7soEsUEjb6gQ==$"
           "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4q"
           "Y=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
           "SCRAM-SHA-256$4096:$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
           "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
           "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT:"
           "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
           "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
           "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
           "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=:",
       }) {
    CAPTURE(bad);
    CHECK_FALSE(decode_scram(bad).has_value());
  }
}

TEST_CASE("keys are of the prepared password, within bounds") {
  CHECK(derive_scram("ＩＸ", "salt", 4096).value() == derive_scram("IX", "salt", 4096).value());
  CHECK_FALSE(derive_scram("", "salt", 4096).has_value());
  CHECK_FALSE(derive_scram("a\0b"sv, "salt", 4096).has_value());
  CHECK_FALSE(derive_scram(std::string(1025, 'x'), "salt", 4096).has_value());
  CHECK_FALSE(derive_scram("pencil", "", 4096).has_value());
  CHECK_FALSE(derive_scram("pencil", "salt", 4095).has_value());
  CHECK_FALSE(derive_scram("pencil", "salt", 1'000'001).has_value());
}

TEST_CASE("an unknown user looks like a wrong password") {
  auto fake = fake_scram_keys("installation secret", "nobody", 4096);
  CHECK(fake == fake_scram_keys("installation secret", "nobody", 4096));
  CHECK(fake.salt != fake_scram_keys("installation secret", "noone", 4096).salt);
  CHECK(fake.salt != fake_scram_keys("another secret", "nobody", 4096).salt);
  CHECK(fake.salt.size() == pencil().salt.size());
  CHECK(encode_scram(*decode_scram(encode_scram(fake))) == encode_scram(fake));
  Exchange unknown, wrong;
  unknown.keys = fake;
  wrong.password = "pen";
  CHECK(run(unknown) == "e=invalid-proof");
  CHECK(run(wrong) == "e=invalid-proof");
}

TEST_CASE("exchanges that succeed") {
  using Binding = ScramClient::Binding;
  CHECK(run({}) == "ok");
  CHECK(run({.binding = Binding::not_offered}) == "ok");
  CHECK(run({.offered = both_bindings}) == "ok");  // a client that cannot bind
  for (const auto& channel : both_bindings)
    CHECK(run({.mechanism = scram_sha_256_plus,
               .offered = both_bindings,
               .binding = Binding::bound,
               .channel = channel}) == "ok");
}

TEST_CASE("channel binding that does not hold") {
  using Binding = ScramClient::Binding;
  // Somebody in the middle has another TLS connection to us than the client to him.
  CHECK(run({.mechanism = scram_sha_256_plus,
             .offered = both_bindings,
             .binding = Binding::bound,
             .channel = ChannelBinding{"tls-exporter", std::string(32, 'x')}}) ==
        "e=channel-bindings-dont-match");
  // He took -PLUS out of our list.
  CHECK(run({.offered = both_bindings, .binding = Binding::not_offered}) ==
        "e=server-does-support-channel-binding");
  CHECK(run({.mechanism = scram_sha_256_plus,
             .offered = both_bindings,
             .binding = Binding::bound,
             .channel = ChannelBinding{"tls-unique", "x"}}) ==
        "e=unsupported-channel-binding-type");
  CHECK(refusal("p=tls-exporter,,n=user,r=x", scram_sha_256, both_bindings) ==
        "e=channel-binding-not-supported");
  CHECK(refusal("p=tls-exporter,,n=user,r=x", scram_sha_256_plus) ==
        "e=channel-binding-not-supported");
  CHECK(refusal("n,,n=user,r=x", scram_sha_256_plus, both_bindings) == "e=other-error");
  CHECK(refusal("y,,n=user,r=x", scram_sha_256_plus, both_bindings) == "e=other-error");
}

TEST_CASE("the GS2 header is part of the proof") {
  // The example's client-final with the header changed on the way: `y,,` for `n,,`.
  std::string changed(example_client_final);
  changed.replace(changed.find("biws"), 4, "eSws");
  CHECK(final_answer(changed) == "e=channel-bindings-dont-match");
}

TEST_CASE("client-first messages that are taken") {
  CHECK(refusal("n,,n=user,r=x") == "");
  CHECK(refusal("y,,n=user,r=x") == "");
  CHECK(refusal("n,a=other,n=user,r=x") == "");
  CHECK(refusal("n,,n=user,r=x,t=an extension,u==x=") == "");
  CHECK(refusal("n,,n=届け=2C=3D,r=x") == "");
}

TEST_CASE("malformed client-first messages") {
  for (std::string_view bad : {"",
                               "n",
                               "n,",
                               "n,,",
                               "n,,n=user",
                               "n,,n=user,",
                               "n,,n=user,r=",
                               "n,,r=x,n=user",
                               "n,,n=,r=x",
                               "x,,n=user,r=x",
                               "N,,n=user,r=x",
                               "nn,,n=user,r=x",
                               "p,,n=user,r=x",
                               "p=,,n=user,r=x",
                               "p=tls exporter,,n=user,r=x",
                               "p=tls-exporter,n=user,r=x",
                               "n,other,n=user,r=x",
                               "n,a=,n=user,r=x",
                               "n,n=user,r=x",
                               "F,n,,n=user,r=x",
                               "n,,n=user,r=a b",
                               "n,,n=user,r=\xC3\xA4",
                               "n,,n=user,r=x,",
                               "n,,n=user,r=x,t",
                               "n,,n=user,r=x,t=",
                               "n,,n=user,r=x,1=y",
                               "n,,n=user,r=x,,t=y",
                               "n,,N=user,r=x",
                               "n,,n=user,r=x\n"}) {
    CAPTURE(bad);
    CHECK(refusal(bad) == "e=other-error");
  }
  CHECK(refusal("n,,n=user,r=" + std::string(5000, 'x')) == "e=other-error");
  CHECK(refusal("n,,n=us\xFF,r=x") == "e=invalid-encoding");
  CHECK(refusal("n,,n=us\0er,r=x"sv) == "e=invalid-encoding");
  CHECK(refusal("n,,n=user,r=x,t=\xED\xA0\x80") == "e=invalid-encoding");
  CHECK(refusal("n,,m=must,n=user,r=x") == "e=extensions-not-supported");
  for (std::string_view bad :
       {"n,,n=us=er,r=x", "n,,n=us=2c,r=x", "n,,n=us=,r=x", "n,,n=us=3,r=x", "n,,n==41,r=x",
        "n,a=o=ther,n=user,r=x", "n,,n=us\aer,r=x", "n,,n=\xC2\xAD,r=x", "n,a=\a,n=user,r=x"}) {
    CAPTURE(bad);
    CHECK(refusal(bad) == "e=invalid-username-encoding");
  }
}

TEST_CASE("malformed client-final messages") {
  const std::string nonce = std::string(client_nonce) + std::string(server_nonce);
  const std::string proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  for (const auto& bad : {
           std::string(),
           std::string("c="),
           std::string("c=biws"),
           "c=biws,r=" + nonce,
           "c=biws,r=" + nonce + ",",
           "c=biws,r=" + nonce + ",p=",
           "c=biws,r=" + nonce + ",x," + proof,
           "c=biws,r=" + nonce + "," + proof + ",x=y",
           "c=biws," + proof,
           "r=" + nonce + ",c=biws," + proof,
           "c=,r=" + nonce + "," + proof,
           "c=biws,r=," + proof,
           "c=biws,r=" + nonce + "x," + proof,
           "c=biws,r=" + std::string(client_nonce) + "," + proof,
           "c=biws,r=" + nonce + "," + proof + "," + std::string(5000, 'x'),
       }) {
    CAPTURE(bad);
    CHECK(final_answer(bad) == "e=other-error");
  }
  CHECK(final_answer("c=biw,r=" + nonce + "," + proof) == "e=invalid-encoding");
  CHECK(final_answer("c=biws,r=" + nonce + ",p=dHzb!") == "e=invalid-encoding");
  CHECK(final_answer("c=biws,r=" + nonce + ",x=\xFF," + proof) == "e=invalid-encoding");
  CHECK(final_answer("c=biws,r=" + nonce + ",p=dHzb") == "e=invalid-proof");
  // An extension is allowed, but the proof covers it.
  CHECK(final_answer("c=biws,r=" + nonce + ",x=y," + proof) == "e=invalid-proof");
  CHECK(final_answer("c=biws,r=" + nonce + "," + proof) == example_server_final);
}

TEST_CASE("what the client refuses of a server") {
  auto answer = [](std::string_view server_first) {
    auto client = ScramClient::start({"", "user", "pencil"}, ScramClient::Binding::unsupported, {},
                                     std::string(client_nonce));
    (void)client->client_first();
    auto made = client->client_final(server_first);
    return made ? std::optional<Errc>() : made.error().code;
  };
  const std::string nonce = "r=" + std::string(client_nonce);
  CHECK(answer(nonce + "x,s=AAAA,i=4096") == std::nullopt);
  CHECK(answer(nonce + "x,s=AAAA,i=4096,x=y") == std::nullopt);
  CHECK(answer(nonce + ",s=AAAA,i=4096") == Errc::invalid);  // added nothing of its own
  CHECK(answer("r=another,s=AAAA,i=4096") == Errc::invalid);
  CHECK(answer("m=must," + nonce + "x,s=AAAA,i=4096") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAA,i=4096") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAAA") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAAA,i=") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAAA,i=-1") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAAA,i=4096,") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AA\nAA,i=4096") == Errc::invalid);
  CHECK(answer("") == Errc::invalid);
  CHECK(answer(nonce + "x,s=AAAA,i=4095") == Errc::denied);
  CHECK(answer(nonce + "x,s=AAAA,i=4294967297") == Errc::denied);
}

TEST_CASE("the client believes only a server that knows the password") {
  auto verdict = [](std::string_view server_final) {
    auto client = ScramClient::start({"", "user", "pencil"}, ScramClient::Binding::unsupported, {},
                                     std::string(client_nonce));
    (void)client->client_first();
    (void)client->client_final(example_server_first);
    auto checked = client->check(server_final);
    return checked ? "" : checked.error().text;
  };
  CHECK(verdict(example_server_final) == "");
  CHECK(verdict(std::string(example_server_final) + ",x=y") == "");
  CHECK(verdict("e=invalid-proof") == "the server refused: invalid-proof");
  CHECK(verdict("v=AAAA") == "SCRAM: the server does not know the password");
  CHECK(verdict("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=") != "");
  CHECK(verdict("v=!") == "SCRAM message of the server: the signature is not base64");
  CHECK(verdict("") == "SCRAM message of the server: no signature");
}

TEST_CASE("a client with a name or password that SASLprep refuses does not start") {
  using Binding = ScramClient::Binding;
  CHECK_FALSE(ScramClient::start({"", "", "pencil"}, Binding::unsupported).has_value());
  CHECK_FALSE(ScramClient::start({"", "user", "\a"}, Binding::unsupported).has_value());
  CHECK_FALSE(ScramClient::start({"\a", "user", "pencil"}, Binding::unsupported).has_value());
}
