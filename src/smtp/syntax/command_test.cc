#include "smtp/syntax/command.h"

#include <doctest/doctest.h>

#include <limits>

using namespace todoke;
using namespace todoke::smtp;

namespace {

template <class C>
C parse(std::string_view line) {
  CAPTURE(line);
  auto command = parse_command(line);
  REQUIRE(command.has_value());
  auto* found = std::get_if<C>(&*command);
  REQUIRE(found != nullptr);
  return *found;
}

template <class C>
bool is(std::string_view line) {
  auto command = parse_command(line);
  return command && std::holds_alternative<C>(*command);
}

// "501 5.5.4", or the empty text when the line is a good command.
std::string refusal(std::string_view line) {
  auto command = parse_command(line);
  if (command) return {};
  return std::to_string(command.error().code) + " " + to_text(command.error().enhanced.value());
}

}  // namespace

TEST_CASE("RFC 5321 §4.1.1: verbs in any case, with and without arguments") {
  CHECK(parse<Ehlo>("EHLO bar.com").name == "bar.com");
  CHECK(parse<Ehlo>("ehlo [192.0.2.1]").name == "[192.0.2.1]");
  CHECK(parse<Helo>("HeLo  my computer ").name == "my computer");
  CHECK(parse<Lhlo>("LHLO foo.edu").name == "foo.edu");
  CHECK(is<Data>("DATA"));
  CHECK(is<Data>("data  "));
  CHECK(is<Rset>("RSET"));
  CHECK(is<Quit>("quit"));
  CHECK(is<Noop>("NOOP"));
  CHECK(is<Noop>("NOOP anything at all"));
  CHECK(is<StartTls>("STARTTLS"));
  CHECK(parse<Help>("HELP MAIL").topic == "MAIL");
  CHECK(parse<Help>("HELP").topic.empty());
  CHECK(parse<Vrfy>("VRFY Smith").who == "Smith");
  CHECK(parse<Vrfy>("VRFY 届け SMTPUTF8").smtp_utf8);
  CHECK(parse<Vrfy>("VRFY 届け smtputf8").who == "届け");
  CHECK(parse<Vrfy>("VRFY SMTPUTF8").who == "SMTPUTF8");
  CHECK(parse<Expn>("EXPN Example-People").list == "Example-People");
}

TEST_CASE("what is no command gets the fitting reply") {
  for (auto line : {"", " ", "FOO", "MAILFROM:<a@b>", "EHLO\tx", " EHLO x", "STARTTLS2",
                    "GET / HTTP/1.1", "MAIL\x01", "DATA\r", "DATA\n", "NOOP \x7f", "\xE5\xB1\x8A"})
    CHECK(refusal(line) == "500 5.5.2");
  CHECK(refusal(std::string_view("RSET\0", 5)) == "500 5.5.2");
  for (auto line :
       {"EHLO", "HELO ", "LHLO", "DATA x", "RSET x", "QUIT now", "STARTTLS x", "VRFY", "EXPN "})
    CHECK(refusal(line) == "501 5.5.4");
  CHECK(refusal("EHLO " + std::string(256, 'a')) == "501 5.5.4");
  for (auto line : {"ETRN example.com", "TURN", "SEND FROM:<a@b>"})
    CHECK(refusal(line) == "502 5.5.1");
}

TEST_CASE("RFC 5321 §4.1.1.2: MAIL") {
  CHECK(parse<Mail>("MAIL FROM:<JQP@bar.com>").from == Path{"JQP", "bar.com"});
  CHECK(parse<Mail>("mail from:<>").from.is_null());
  CHECK(parse<Mail>("MAIL FROM: <a@b> SIZE=1 ").size == 1);
  CHECK(parse<Mail>("MAIL FROM:<a..b@docomo.ne.jp>").from.local == "a..b");
  CHECK(parse<Mail>("MAIL FROM:<\"a> SIZE=1 \"@b>").from.local == "a> SIZE=1 ");

  CHECK(refusal("MAIL") == "501 5.5.2");
  CHECK(refusal("MAIL TO:<a@b>") == "501 5.5.2");
  CHECK(refusal("MAIL FROM<a@b>") == "501 5.5.2");
  CHECK(refusal("MAIL FROM:<a@b>SIZE=1") == "501 5.5.2");
  CHECK(refusal("MAIL FROM:") == "501 5.1.7");
  CHECK(refusal("MAIL FROM:<a@b") == "501 5.1.7");
  CHECK(refusal("MAIL FROM:<a>") == "501 5.1.7");
}

TEST_CASE("parameters of MAIL") {
  auto mail = parse<Mail>(
      "MAIL FROM:<a@b> SIZE=1000 BODY=8BITMIME SMTPUTF8 AUTH=e+3Dmc2@example.com RET=HDRS "
      "ENVID=QQ+2B1 REQUIRETLS");
  CHECK(mail.size == 1000);
  CHECK(mail.body == Body::eight_bit_mime);
  CHECK(mail.smtp_utf8);
  CHECK(mail.require_tls);
  CHECK(mail.auth == "e=mc2@example.com");
  CHECK(mail.ret == Ret::headers);
  CHECK(mail.envid == "QQ+1");

  auto plain = parse<Mail>("MAIL FROM:<a@b>   body=binarymime  ret=full");
  CHECK(plain.body == Body::binary_mime);
  CHECK(plain.ret == Ret::full);
  CHECK_FALSE(plain.smtp_utf8);
  CHECK_FALSE(plain.size.has_value());
  CHECK(parse<Mail>("MAIL FROM:<a@b> AUTH=<>").auth == "");
  CHECK(parse<Mail>("MAIL FROM:<a@b> BODY=7BIT").body == Body::seven_bit);

  CHECK(parse<Mail>("MAIL FROM:<a@b> SIZE=99999999999999999999").size ==
        std::numeric_limits<std::uint64_t>::max());
  for (std::string parameter : {"SIZE",
                                "SIZE=",
                                "SIZE=-1",
                                "SIZE=1k",
                                "SIZE=999999999999999999999",
                                "BODY=9BIT",
                                "BODY",
                                "SMTPUTF8=1",
                                "SMTPUTF8=",
                                "REQUIRETLS=YES",
                                "AUTH",
                                "AUTH=",
                                "AUTH=a=b",
                                "AUTH=a+0Db",
                                "RET=ALL",
                                "RET",
                                "ENVID=",
                                "ENVID=+0D+0A",
                                "ENVID=+",
                                "ENVID=+E3",
                                "SIZE=1 SIZE=1",
                                "SMTPUTF8 SMTPUTF8"})
    CHECK(refusal("MAIL FROM:<a@b> " + parameter) == "501 5.5.4");
  CHECK(refusal("MAIL FROM:<a@b> ENVID=" + std::string(101, 'x')) == "501 5.5.4");
  for (std::string parameter : {"FOO", "FOO=1", "NOTIFY=NEVER", "=", "=1", "SIZES=1"})
    CHECK(refusal("MAIL FROM:<a@b> " + parameter) == "555 5.5.4");
  // The reply says which one.
  CHECK(parse_command("MAIL FROM:<a@b> SIZE=1 SIZE=2").error().lines[0] == "SIZE is given twice");
  CHECK(parse_command("MAIL FROM:<a@b> X-A=2").error().lines[0] == "Parameter not known: X-A");
}

TEST_CASE("RFC 6531 §3.5: a sender beyond ASCII needs SMTPUTF8") {
  CHECK(parse<Mail>("MAIL FROM:<届け@例え.テスト> SMTPUTF8").from.local == "届け");
  CHECK(refusal("MAIL FROM:<届け@例え.テスト>") == "553 5.6.7");
  CHECK(refusal("MAIL FROM:<a@例え.テスト> SIZE=1") == "553 5.6.7");
  CHECK(needs_utf8(parse<Rcpt>("RCPT TO:<届け@例え.テスト>").to));
}

TEST_CASE("RFC 5321 §4.1.1.3 and RFC 3461 §4: RCPT") {
  CHECK(parse<Rcpt>("RCPT TO:<Jones@foo.com>").to == Path{"Jones", "foo.com"});
  CHECK(parse<Rcpt>("rcpt to:<Postmaster>").to == Path{"Postmaster", ""});
  CHECK_FALSE(parse<Rcpt>("RCPT TO:<a@b>").notify.has_value());
  auto rcpt = parse<Rcpt>("RCPT TO:<a@b> NOTIFY=SUCCESS,delay ORCPT=rfc822;Bob+2Bx@Example.COM");
  CHECK(rcpt.notify == Notify{.success = true, .delay = true});
  CHECK(rcpt.original_recipient == OriginalRecipient{"rfc822", "Bob+x@Example.COM"});
  CHECK(parse<Rcpt>("RCPT TO:<a@b> NOTIFY=NEVER").notify == Notify{});
  CHECK(parse<Rcpt>("RCPT TO:<a@b> ORCPT=utf-8;\\x{5C4A}@b").original_recipient->address == "届@b");

  CHECK(refusal("RCPT") == "501 5.5.2");
  CHECK(refusal("RCPT FROM:<a@b>") == "501 5.5.2");
  CHECK(refusal("RCPT TO:<>") == "501 5.1.3");
  CHECK(refusal("RCPT TO:<a@b>>") == "501 5.5.2");
  CHECK(refusal("RCPT TO:<\x93\xFA@b>") == "501 5.1.3");
  CHECK(refusal("RCPT TO:<" + std::string(65, 'a') + "@b>") == "501 5.1.3");
  for (std::string parameter :
       {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,", "NOTIFY=x", "ORCPT",
        "ORCPT=", "ORCPT=rfc822", "ORCPT=rfc822;", "ORCPT=;x", "ORCPT=rfc822;a+0Ab",
        "ORCPT=rfc822;a+FF", "ORCPT=utf-8;\\x{0A}", "NOTIFY=NEVER NOTIFY=NEVER"})
    CHECK(refusal("RCPT TO:<a@b> " + parameter) == "501 5.5.4");
  CHECK(refusal("RCPT TO:<a@b> SIZE=1") == "555 5.5.4");
}

TEST_CASE("RFC 3030 §2: BDAT") {
  CHECK(parse<Bdat>("BDAT 86").size == 86);
  CHECK_FALSE(parse<Bdat>("BDAT 86").last);
  CHECK(parse<Bdat>("bdat 0 last").last);
  for (auto line : {"BDAT", "BDAT LAST", "BDAT x", "BDAT -1", "BDAT 1 LASTX", "BDAT 1 2",
                    "BDAT 1 LAST x", "BDAT 99999999999999999999"})
    CHECK(refusal(line) == "501 5.5.4");
}

TEST_CASE("RFC 4954 §4: AUTH") {
  CHECK(parse<Auth>("AUTH scram-sha-256").mechanism == "SCRAM-SHA-256");
  CHECK_FALSE(parse<Auth>("AUTH LOGIN").initial.has_value());
  CHECK(parse<Auth>("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=").initial ==
        std::string("test\0test\0001234", 14));
  CHECK(parse<Auth>("AUTH EXTERNAL =").initial == "");
  for (auto line : {"AUTH", "AUTH PL.AIN", "AUTH PLAIN\\", "AUTH ABCDEFGHIJKLMNOPQRSTU"})
    CHECK(refusal(line) == "501 5.5.4");
  for (auto line : {"AUTH PLAIN a", "AUTH PLAIN *", "AUTH PLAIN dGVz dAB0", "AUTH PLAIN =="})
    CHECK(refusal(line) == "501 5.5.2");
}
