// The beginning of conversations: greeting, EHLO, STARTTLS, AUTH.
#include "base/encoding.h"
#include "base/worker_pool.h"
#include "crypto/digest.h"
#include "crypto/scram_message.h"
#include "smtp/client/client.h"
#include "smtp/client/test_play.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::smtp;
using namespace todoke::test;
using namespace std::chrono_literals;
using Need = TlsPolicy::Need;

namespace {

const std::string offering_tls =
    "S: 220 mx.test\nC: EHLO client.test\nS: 250-mx.test\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\n";

struct Row {
  const char* name;
  const char* script;
  const char* result;
};

}  // namespace

TEST_CASE("how conversations begin, and how they do not") {
  const Row rows[] = {
      {"greeted", "S: 220 mx\nC: EHLO client.test\nS: 250 mx", "open"},
      {"in several lines", "S: 220-mx\nS: 220-welcome\nS: 220 here\nC: EHLO client.test\nS: 250 mx",
       "open"},
      {"with bare LF", "s: 220 mx\\n\nC: EHLO client.test\nS: 250 mx", "open"},
      {"closed at once", "", "connect connection closed without a reply"},
      {"reset at once", "!: reset", "connect connection reset"},
      {"never greeted", "!: timed out", "connect no answer in time"},
      {"refused", "S: 554 5.7.1 go away\nC: QUIT\nS: 221 bye", "connect 554"},
      {"busy", "S: 421 4.7.0 busy", "connect 421"},
      {"another protocol", "S: SSH-2.0-OpenSSH_9.2", "connect no SMTP"},
      {"a greeting that is none", "S: 250 mx", "connect no SMTP 250"},
      {"speaks too early", "S: 220 mx\nS: 250 mx", "EHLO no SMTP"},
      {"EHLO is not known",
       "S: 220 mx\nC: EHLO client.test\nS: 502 what?\nC: HELO client.test\nS: 250 mx", "open"},
      {"nor HELO",
       "S: 220 mx\nC: EHLO client.test\nS: 550 no\nC: HELO client.test\nS: 550 no\nC: QUIT\nS: 221",
       "EHLO 550"},
      {"EHLO later", "S: 220 mx\nC: EHLO client.test\nS: 451 later\nC: QUIT\nS: 221 bye",
       "EHLO 451"},
      {"EHLO never again", "S: 220 mx\nC: EHLO client.test\nS: 421 later", "EHLO 421"},
      {"closed at EHLO", "S: 220 mx\nC: EHLO client.test",
       "EHLO connection closed without a reply"},
      {"in the middle of a line", "S: 220 mx\nC: EHLO client.test\nS: 250-mx\ns: 250 SI",
       "EHLO connection closed without a reply"},
      {"a challenge for EHLO", "S: 220 mx\nC: EHLO client.test\nS: 334 ?", "EHLO no SMTP 334"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene(row.script);
    CHECK(scene.open() == row.result);
    CHECK(scene.client().usable() == (std::string_view(row.result) == "open"));
    if (!scene.client().usable()) block_on(scene.client().quit());
    scene.play.finish();
  }
}

TEST_CASE("an LMTP server is not asked twice") {
  Scene scene("S: 220 lmtp\nC: LHLO client.test\nS: 502 what?\nC: QUIT\nS: 221 bye");
  scene.options.protocol = Protocol::lmtp;
  CHECK(scene.open() == "EHLO 502");
  block_on(scene.client().quit());
  scene.play.finish();
}

TEST_CASE("endless talk costs no more than a buffer") {
  struct Talk {
    const char* words;
    const char* result;
  };
  const Talk talks[] = {{"220-more\r\n", "connect no SMTP"}, {"220 xxxxxxxx", "connect no SMTP"}};
  for (const auto& talk : talks) {
    Scene scene("");
    std::size_t fed = 0, most = 0;
    scene.play.io.on_wait = [&](net::MemoryStream& io) {
      most = std::max(most, io.buffered().size());
      io.feed(talk.words);
      fed += std::string_view(talk.words).size();
    };
    CHECK(scene.open() == talk.result);
    CHECK(fed < 40'000);
    CHECK(most < 10'000);
  }
}

TEST_CASE("RFC 5321 §4.5.3.2: a reply has its time, however it drips") {
  Scene scene("");
  scene.options.timeouts.overall = 6min;
  std::string_view greeting = "220-welcome to";
  std::vector<std::chrono::seconds> deadlines;
  // A byte per minute.  Were the deadline set anew for each, it would show how little is left.
  scene.play.io.on_wait = [&](net::MemoryStream& io) {
    deadlines.push_back(io.deadline());
    if (deadlines.size() * 1min > io.deadline())
      io.ends_with = net::Closed::Reason::timed_out;
    else
      io.feed(greeting.substr(deadlines.size() - 1, 1));
    scene.clock.advance(1min);
  };
  CHECK(scene.open() == "connect no answer in time");
  CHECK(deadlines == std::vector<std::chrono::seconds>(6, 300s));
}

TEST_CASE("what is left of the whole bounds each wait") {
  Scene scene("");
  scene.options.timeouts.overall = 8min;
  std::vector<std::chrono::seconds> deadlines;
  const char* replies[] = {"220 mx\r\n", "550 no\r\n", "250 mx\r\n"};
  scene.play.io.on_wait = [&](net::MemoryStream& io) {
    io.feed(replies[deadlines.size()]);
    deadlines.push_back(io.deadline());
    scene.clock.advance(270s);
  };
  CHECK(scene.open() == "EHLO no answer in time");
  CHECK(deadlines == std::vector<std::chrono::seconds>{300s, 210s});
  CHECK_FALSE(scene.client().usable());
}

TEST_CASE("QUIT waits for two seconds at most") {
  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250 mx\nC: QUIT\n!: timed out");
  CHECK(scene.open() == "open");
  CHECK(scene.play.io.deadline() == scene.options.timeouts.overall);  // between transactions
  block_on(scene.client().quit());
  // The deadline is looked at once a second.
  CHECK(scene.play.io.deadline() == 1s);
  block_on(scene.client().quit());
  scene.play.finish();
}

TEST_CASE("RFC 3207: STARTTLS, and what was learned before it is forgotten") {
  Scene scene(offering_tls +
              "C: STARTTLS\nS: 220 go\nC: EHLO client.test\nS: 250-mx.test\nS: 250 DSN");
  scene.need = Need::opportunistic;
  scene.play.io.agreed.verified = net::TlsInfo::Verified::web_pki;
  CHECK(scene.open() == "open");
  CHECK(scene.client().tls() != nullptr);
  CHECK(scene.client().offer().dsn);
  CHECK_FALSE(scene.client().offer().starttls);
  CHECK(scene.client().offer().auth.empty());
  CHECK(scene.client().dialogue().find("\n= TLSv1.3 TLS_AES_256_GCM_SHA384, verified\n") !=
        std::string::npos);
  scene.play.finish();
}

TEST_CASE("TLS as far as it is wanted") {
  struct TlsRow {
    const char* name;
    Need need;
    const char* script;
    const char* result;
    const char* failure;
  };
  const TlsRow rows[] = {
      {"refused, and not needed", Need::opportunistic, "C: STARTTLS\nS: 454 not now", "open", ""},
      {"refused, and needed", Need::required, "C: STARTTLS\nS: 454 not now\nC: QUIT\nS: 221 bye",
       "STARTTLS TLS failed 454", ""},
      {"421 to it", Need::opportunistic, "C: STARTTLS\nS: 421 not now", "STARTTLS 421", ""},
      {"closed at it", Need::opportunistic, "C: STARTTLS",
       "STARTTLS connection closed without a reply", ""},
      {"250 to it", Need::opportunistic, "C: STARTTLS\nS: 250 go", "STARTTLS no SMTP 250", ""},
      {"the handshake fails", Need::opportunistic, "C: STARTTLS\nS: 220 go", "STARTTLS TLS failed",
       "no shared cipher"},
      // Rule R2: what follows the 220 in the clear was put in by another.
      {"injected", Need::opportunistic, "C: STARTTLS\nS: 220 go\nS: 250 PIPELINING",
       "STARTTLS TLS failed", ""},
      {"not wanted", Need::never, "", "open", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Scene scene(offering_tls + row.script);
    scene.need = row.need;
    scene.play.io.tls_failure = row.failure;
    CHECK(scene.open() == row.result);
    CHECK(scene.client().tls() == nullptr);
    CHECK(scene.client().tls_refusal().has_value() ==
          (row.result == std::string_view("open") && row.need != Need::never));
    if (!scene.client().usable()) block_on(scene.client().quit());
    scene.play.finish();
  }
}

TEST_CASE("TLS that is needed and not offered") {
  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250 mx\nC: QUIT\nS: 221 bye");
  scene.need = Need::required;
  CHECK(scene.open() == "STARTTLS TLS failed");
  block_on(scene.client().quit());
  scene.play.finish();
}

TEST_CASE("TLS from the first byte") {
  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 STARTTLS");
  scene.need = Need::implicit;
  scene.options.policy.expectation.server_name = "mx.test";
  CHECK(scene.open() == "open");
  REQUIRE(scene.play.io.expectation());
  CHECK(scene.play.io.expectation()->server_name == "mx.test");
  scene.play.finish();
}

namespace {

std::string sign_in(std::string script, bool tls = true) {
  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250-mx\n" + std::move(script));
  scene.options.login = Login{"ann", "secret"};
  if (tls) scene.play.io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  auto result = scene.open();
  if (!scene.client().usable()) block_on(scene.client().quit());
  scene.play.finish();
  auto dialogue = scene.client().dialogue();
  CHECK(dialogue.find(base64_encode("ann")) == dialogue.npos);
  CHECK(dialogue.find(base64_encode("secret")) == dialogue.npos);
  CHECK(dialogue.find("AGFubgBzZWNyZXQ=") == dialogue.npos);
  CHECK(dialogue.find("BASE64SECRET") == dialogue.npos);
  return result;
}

}  // namespace

TEST_CASE("RFC 4954: signing in with PLAIN and LOGIN") {
  CHECK(sign_in("S: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AGFubgBzZWNyZXQ=\nS: 235 welcome") ==
        "open");
  CHECK(sign_in("S: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AGFubgBzZWNyZXQ=\nS: 535 5.7.8 no\nC: "
                "QUIT\nS: 221") == "AUTH 535");
  CHECK(sign_in("S: 250 AUTH LOGIN PLAIN\nC: AUTH PLAIN AGFubgBzZWNyZXQ=\nS: 250 ok") ==
        "AUTH no SMTP 250");
  CHECK(sign_in("S: 250 AUTH=LOGIN\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: YW5u\nS: 334 "
                "UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 welcome") == "open");
  CHECK(sign_in("S: 250 AUTH LOGIN\nC: AUTH LOGIN\nS: 334 BASE64SECRET\nC: YW5u\nS: 535 no\nC: "
                "QUIT\nS: 221") == "AUTH 535");
  CHECK(sign_in("S: 250 AUTH GSSAPI\nC: QUIT\nS: 221") ==
        "AUTH: The server offers no way to sign in that we know");
}

TEST_CASE("a password is not sent in the clear, unless to this machine") {
  CHECK(sign_in("S: 250 AUTH PLAIN\nC: QUIT\nS: 221", false) == "AUTH TLS failed");
  Scene scene(
      "S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 AUTH PLAIN\n"
      "C: AUTH PLAIN AGFubgBzZWNyZXQ=\nS: 235 welcome");
  scene.options.login = Login{"ann", "secret"};
  scene.play.io.set_peer({.address = "127.0.0.1"});
  CHECK(scene.open() == "open");
}

namespace {

std::string between(std::string_view text, std::string_view begin, std::string_view end) {
  auto from = text.find(begin) + begin.size();
  return std::string(text.substr(from, text.find(end, from) - from));
}

// The server's side of SCRAM, which knows `password`; the last message comes behind `code`.
std::string sign_in_with_scram(const std::string& password, int code, WorkerPool* pool = nullptr) {
  Scene scene("");
  scene.options.pool = pool;
  scene.options.login = Login{"ann", "secret"};
  scene.play.io.pretend_tls({"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""});
  crypto::ScramSecrets secrets = crypto::derive_secrets(password, "salt1234", 4096);
  std::string auth_message;
  int step = 0;
  scene.play.io.on_wait = [&](net::MemoryStream& io) {
    auto said = io.take_output();
    switch (step++) {
      case 0:
        return io.feed("220 mx\r\n");
      case 1:
        return io.feed("250-mx\r\n250 AUTH LOGIN PLAIN SCRAM-SHA-256\r\n");
      case 2: {
        auto bare = base64_decode(between(said, "SCRAM-SHA-256 ", "\r\n")).value().substr(3);
        auto nonce = bare.substr(bare.find(",r=") + 3);
        auto first = "r=" + nonce + "server,s=" + base64_encode("salt1234") + ",i=4096";
        auth_message = bare + "," + first;
        return io.feed("334 " + base64_encode(first) + "\r\n");
      }
      case 3: {
        auto final = base64_decode(said.substr(0, said.size() - 2)).value();
        auth_message += "," + final.substr(0, final.find(",p="));
        auto signature = crypto::hmac_sha256(secrets.server_key, auth_message);
        return io.feed(std::to_string(code) + " " + base64_encode("v=" + base64_encode(signature)) +
                       "\r\n");
      }
      case 4:
        CHECK(said == "\r\n");
        return io.feed("235 welcome\r\n");
      default:
        break;
    }
  };
  auto result = scene.open();
  CHECK(scene.client().dialogue().find("> AUTH SCRAM-SHA-256\n< 334\n> (secret)\n") !=
        std::string::npos);
  return result;
}

}  // namespace

TEST_CASE("RFC 5802: SCRAM is preferred, and the server must know the password, too") {
  CHECK(sign_in_with_scram("secret", 334) == "open");
  CHECK(sign_in_with_scram("secret", 235) == "open");
  WorkerPool pool(1);
  CHECK(sign_in_with_scram("secret", 334, &pool) == "open");
  CHECK(sign_in_with_scram("guess", 334) == "AUTH no SMTP");
  CHECK(sign_in_with_scram("guess", 235) == "AUTH no SMTP");
}
