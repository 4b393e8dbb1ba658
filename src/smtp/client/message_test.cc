// What a message needs, and what of it a server is told.
#include "smtp/client/client.h"
#include "smtp/client/envelope.h"
#include "smtp/client/test_play.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::smtp;
using namespace todoke::test;

namespace {

Message rich_message(Text& text) {
  Message out{.reverse_path = "a@client.test",
              .size = 1234,
              .body = Body::eight_bit_mime,
              .ret = Ret::headers,
              .envid = "id+1",
              .text = &text};
  out.recipients.push_back({.address = "\"b c\"@mx.test",
                            .notify = Notify{.failure = true, .delay = true},
                            .original_recipient = OriginalRecipient{"rfc822", "b c@old.test"}});
  out.recipients.push_back({.address = "d@mx.test", .notify = Notify{}, .original_recipient = {}});
  return out;
}

}  // namespace

TEST_CASE("a server is told what it offers to understand") {
  Text text;
  auto message = rich_message(text);
  ServerOffer nothing;
  CHECK(mail_command(message, nothing) == "MAIL FROM:<a@client.test>");
  CHECK(rcpt_command(message.recipients[0], nothing) == "RCPT TO:<\"b c\"@mx.test>");
  ServerOffer all{
      .size = true, .eight_bit_mime = true, .smtp_utf8 = true, .dsn = true, .require_tls = true};
  CHECK(mail_command(message, all) ==
        "MAIL FROM:<a@client.test> SIZE=1234 BODY=8BITMIME RET=HDRS ENVID=id+2B1");
  CHECK(rcpt_command(message.recipients[0], all) ==
        "RCPT TO:<\"b c\"@mx.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b+20c@old.test");
  CHECK(rcpt_command(message.recipients[1], all) == "RCPT TO:<d@mx.test> NOTIFY=NEVER");
  message.smtp_utf8 = message.require_tls = true;
  message.body = Body::seven_bit;
  message.ret = Ret::full;
  message.recipients[0].original_recipient = OriginalRecipient{"utf-8", "届@old.test"};
  CHECK(mail_command(message, all) ==
        "MAIL FROM:<a@client.test> SIZE=1234 SMTPUTF8 REQUIRETLS RET=FULL ENVID=id+2B1");
  CHECK(rcpt_command(message.recipients[0], all).ends_with(" ORCPT=utf-8;\\x{5C4A}@old.test"));
  message.reverse_path.clear();
  CHECK(mail_command(message, nothing) == "MAIL FROM:<>");
}

TEST_CASE("what a server lacks is answered by ourselves, and nothing is said to it") {
  using Verified = net::TlsInfo::Verified;
  net::TlsInfo verified{"TLSv1.3", "", 256, ""}, unverified = verified;
  verified.verified = Verified::dane;
  Text text;
  auto message = rich_message(text);
  ServerOffer offer;
  auto answer = [&](const net::TlsInfo* tls) {
    auto refusal = refuse_message(message, offer, tls);
    return refusal ? std::to_string(refusal->code) + " " + to_text(*refusal->enhanced) : "";
  };
  CHECK(answer(nullptr) == "");  // 8-bit bytes go as they are
  message.require_tls = true;
  offer.require_tls = true;
  CHECK(answer(nullptr) == "550 5.7.30");
  CHECK(answer(&unverified) == "550 5.7.30");
  CHECK(answer(&verified) == "");
  offer.require_tls = false;
  CHECK(answer(&verified) == "550 5.7.30");
  message.require_tls = false;
  message.smtp_utf8 = true;
  CHECK(answer(nullptr) == "553 5.6.7");
  message.smtp_utf8 = false;
  message.reverse_path = "届@client.test";
  CHECK(answer(nullptr) == "553 5.6.7");
  offer.smtp_utf8 = true;
  CHECK(answer(nullptr) == "");
  offer.size_limit = 1233;
  CHECK(answer(nullptr) == "552 5.3.4");
  offer.size_limit = 1234;
  CHECK(answer(nullptr) == "");
  message.body = Body::binary_mime;
  CHECK(answer(nullptr) == "554 5.6.3");
  message.reverse_path = "a@x.test>\r\nRCPT TO:<e@x.test";
  CHECK(answer(nullptr) == "501 5.1.7");

  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250-mx\nS: 250 SIZE 1000");
  CHECK(scene.open() == "open");
  CHECK(scene.send(rich_message(text)) == "MAIL 552 ours, MAIL 552 ours");
  CHECK(scene.client().usable());
  CHECK(scene.client().transactions() == 0);
  scene.play.finish();
}

TEST_CASE(
    "recipients that cannot be sent do not stop the others; RFC 9422: nor do those beyond a "
    "limit") {
  Scene scene(R"(
    S: 220 mx
    C: EHLO client.test
    S: 250-mx
    S: 250-LIMITS RCPTMAX=1 MAILMAX=1
    S: 250 PIPELINING
    C: MAIL FROM:<a@client.test>
    C: RCPT TO:<b@mx.test>
    C: DATA
    S: 250 ok
    S: 250 ok
    S: 354 go
    C: Subject: hi
    C:
    C: ..dot
    C: .
    S: 250 queued
    C: QUIT
    S: 221 bye)");
  CHECK(scene.open() == "open");
  CHECK(scene.send({"x@y>\r\nDATA\r\n", "届@mx.test", "b@mx.test", "c@mx.test"}) ==
        "RCPT 501 ours, RCPT 553 ours, end of data 250 accepted, RCPT 452 ours");
  CHECK_FALSE(scene.client().usable());
  block_on(scene.client().quit());
  scene.play.finish();
}

TEST_CASE("RFC 2033 §4.2: LMTP answers for each recipient") {
  struct Row {
    const char* replies;
    const char* results;
    bool usable;
  };
  const Row rows[] = {
      {"S: 250 ok\nS: 452 4.2.2 full", "end of data 250 accepted, RCPT 550, end of data 452", true},
      {"S: 250 ok",
       "end of data 250 accepted, RCPT 550, end of data connection closed without a reply", false},
      {"S: 421 no", "end of data 421, RCPT 550, end of data 421", false},
      {"S: 250 ok\nS: 354 what", "end of data 250 accepted, RCPT 550, end of data no SMTP 354",
       false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.replies);
    Scene scene(std::string(R"(
      S: 220 lmtp
      C: LHLO client.test
      S: 250-lmtp
      S: 250 PIPELINING
      C: MAIL FROM:<a@client.test>
      C: RCPT TO:<b@x>
      C: RCPT TO:<c@x>
      C: RCPT TO:<d@x>
      C: DATA
      S: 250 ok
      S: 250 ok
      S: 550 no
      S: 250 ok
      S: 354 go
      C: Subject: hi
      C:
      C: ..dot
      C: .
      )") + row.replies);
    scene.options.protocol = Protocol::lmtp;
    CHECK(scene.open() == "open");
    CHECK(scene.send({"b@x", "c@x", "d@x"}) == row.results);
    CHECK(scene.client().usable() == row.usable);
    scene.play.finish();
  }
}

TEST_CASE("when we stop, nothing is known of the server") {
  Scene scene("S: 220 mx\nC: EHLO client.test\nS: 250 mx\nC: MAIL FROM:<a@client.test>");
  CHECK(scene.open() == "open");
  scene.play.io.ends_with = net::Closed::Reason::stopping;
  CHECK(scene.send({"b@mx.test"}) == "MAIL: We are stopping");
  CHECK_FALSE(scene.client().usable());
}
