#include "smtp/client/offer.h"

#include "smtp/client/dialogue.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::smtp;

namespace {

ServerOffer offer(std::string_view text) {
  ReplyParser parser;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(line.size() + 1);
    auto complete = parser.add(line);
    REQUIRE(complete);
    if (*complete) break;
  }
  return parse_offer(parser.take());
}

}  // namespace

TEST_CASE("RFC 5321 §4.1.1.1: what a server offers") {
  auto all = offer(
      "250-mx.example.test greets you\n250-PIPELINING\n250-SIZE 52428800\n250-8bitmime\n"
      "250-SMTPUTF8\n250-STARTTLS\n250-DSN\n250-CHUNKING\n250-BINARYMIME\n250-REQUIRETLS\n"
      "250-ENHANCEDSTATUSCODES\n250-AUTH PLAIN login PLAIN\n250-AUTH=LOGIN XOAUTH2\n"
      "250 LIMITS MAILMAX=20 rcptmax=100 RCPTDOMAINMAX=1 FUTURE\n");
  CHECK(all.name == "mx.example.test");
  CHECK(all.pipelining);
  CHECK(all.size);
  CHECK(all.size_limit == 52428800u);
  CHECK(all.eight_bit_mime);
  CHECK(all.smtp_utf8);
  CHECK(all.starttls);
  CHECK(all.dsn);
  CHECK(all.chunking);
  CHECK(all.binary_mime);
  CHECK(all.require_tls);
  CHECK(all.enhanced_codes);
  CHECK(all.auth == std::vector<std::string>{"PLAIN", "LOGIN", "XOAUTH2"});
  CHECK(all.mail_max == 20u);
  CHECK(all.rcpt_max == 100u);
  CHECK(all.rcpt_domain_max == 1u);
}

TEST_CASE("what makes no sense was not offered") {
  auto odd = offer(
      "250-PIPELINING\n250-SIZE 0\n250-LIMITS RCPTMAX=0 MAILMAX= =5 RCPTDOMAINMAX=-1\n"
      "250-XPIPELINING\n250-\n250 PIPELININGX DSN\n");
  CHECK_FALSE(odd.pipelining);  // that was the server's name
  CHECK(odd.size);
  CHECK_FALSE(odd.size_limit);
  CHECK_FALSE(odd.rcpt_max);
  CHECK_FALSE(odd.mail_max);
  CHECK_FALSE(odd.rcpt_domain_max);
  CHECK_FALSE(odd.dsn);
  CHECK_FALSE(offer("250 SIZE 99999999999999999999\n").size);
  CHECK_FALSE(offer("250-x\n250 SIZE 99999999999999999999\n").size_limit);
}

TEST_CASE("a dialogue keeps the beginning and the end, and is text") {
  Dialogue dialogue;
  dialogue.add('>', "EHLO a");
  dialogue.add('<', std::string_view("250 \0\x1b[2J\xff", 10));
  CHECK(dialogue.text() == "> EHLO a\n< 250   [2J\xEF\xBF\xBD\n");
  for (int i = 0; i < 1000; ++i) dialogue.add('>', "RCPT TO:<" + std::to_string(i) + "@x.test>");
  auto text = dialogue.take();
  CHECK(text.size() <= Dialogue::max_bytes);
  CHECK(text.size() > Dialogue::max_bytes - 200);
  CHECK(text.starts_with("> EHLO a\n"));
  CHECK(text.find("\n…\n") != text.npos);
  CHECK(text.ends_with("> RCPT TO:<999@x.test>\n"));
  CHECK(dialogue.text().empty());
  dialogue.add('<', std::string(5000, '\xff'));
  CHECK(dialogue.text().size() < 450);
  CHECK(dialogue.text().ends_with("…\n"));
}
