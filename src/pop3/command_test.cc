#include "pop3/command.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::pop3;

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

std::string refusal(std::string_view line) {
  auto command = parse_command(line);
  if (command) return {};
  CHECK(command.error().code == Errc::invalid);
  return command.error().text;
}

}  // namespace

TEST_CASE("RFC 1939 §7: USER and PASS") {
  CHECK(parse<User>("USER mrose").name == "mrose");
  CHECK(parse<User>("user  ann@example.jp ").name == "ann@example.jp");
  CHECK(parse<User>("USER 届け").name == "届け");
  CHECK(parse<Pass>("PASS secret").password == "secret");
  CHECK(parse<Pass>("pass  two words ").password == " two words ");
  CHECK(parse<Pass>("PASS \x93\xFA").password == "\x93\xFA");
  CHECK(refusal("USER") == "The command is: USER name");
  CHECK(refusal("USER  ") == "The command is: USER name");
  CHECK(refusal("PASS") == "The command is: PASS password");
  CHECK(refusal("PASS ") == "The command is: PASS password");
}

TEST_CASE("RFC 1939 §7: APOP") {
  auto apop = parse<Apop>("APOP mrose c4c9334bac560ecc979e58001b3e22fb");
  CHECK(apop.name == "mrose");
  CHECK(apop.digest == "c4c9334bac560ecc979e58001b3e22fb");
  CHECK(refusal("APOP mrose") == "The command is: APOP name digest");
  CHECK(refusal("APOP a b c") == "There are too many arguments");
}

TEST_CASE("RFC 1939 §5: the transaction") {
  CHECK(is<Stat>("STAT"));
  CHECK(is<Noop>("noop"));
  CHECK(is<Rset>("RSET "));
  CHECK(is<Quit>("QUIT"));
  CHECK_FALSE(parse<List>("LIST").message.has_value());
  CHECK(parse<List>("LIST 2").message == 2);
  CHECK_FALSE(parse<Uidl>("UIDL ").message.has_value());
  CHECK(parse<Uidl>("uidl 4294967295").message == 4294967295);
  CHECK(parse<Retr>("RETR 1").message == 1);
  CHECK(parse<Dele>("DELE  12 ").message == 12);
  CHECK(parse<Top>("TOP 1 10").lines == 10);
  CHECK(parse<Top>("TOP 3  0").message == 3);
  CHECK(parse<Top>("TOP 3  0").lines == 0);
}

TEST_CASE("numbers and arguments that are not") {
  for (auto line : {"RETR", "RETR x", "RETR -1", "RETR +1", "RETR 1x", "DELE 4294967296",
                    "LIST 0x1", "TOP", "UIDL 99999999999999999999"})
    CHECK(refusal(line) == "The message must be a number");
  for (auto line : {"TOP 1", "TOP 1 -1", "TOP 1 x"})
    CHECK(refusal(line) == "The count of lines must be a number");
  CHECK(refusal("RETR 0") == "Messages are counted from 1");
  for (auto line : {"RETR 1 2", "LIST 1 2", "TOP 1 2 3"})
    CHECK(refusal(line) == "There are too many arguments");
  for (auto line : {"STAT 1", "NOOP x", "RSET x", "QUIT x", "CAPA x", "STLS x", "UTF8 x"})
    CHECK(refusal(line) == "This command takes no argument");
}

TEST_CASE("what is no command") {
  for (auto line : {"", " ", "FOO", "RETR1", " STAT", "XTND XMIT", "USERS a", "EHLO x"})
    CHECK(refusal(line) == "This is no command we know");
  for (auto line : {"STAT\r", "STAT\n", "RETR\t1", "USER a\x1b", "PASS a\rb", "\x7f"})
    CHECK(refusal(line) == "Control characters are not allowed");
  CHECK(refusal(std::string_view("PASS a\0b", 8)) == "Control characters are not allowed");
}

TEST_CASE("RFC 2449 §5, RFC 2595 §4 and RFC 6856: CAPA, STLS, UTF8, LANG") {
  CHECK(is<Capa>("CAPA"));
  CHECK(is<Stls>("stls"));
  CHECK(is<Utf8>("UTF8"));
  CHECK(parse<Lang>("LANG").language.empty());
  CHECK(parse<Lang>("LANG ja-JP").language == "ja-JP");
  CHECK(parse<Lang>("LANG *").language == "*");
  CHECK(refusal("LANG a_b") == "This is no language tag");
  CHECK(refusal("LANG ja en") == "There are too many arguments");
}

TEST_CASE("RFC 5034 §4: AUTH") {
  CHECK(parse<Auth>("AUTH").mechanism.empty());
  CHECK(parse<Auth>("AUTH scram-sha-256").mechanism == "SCRAM-SHA-256");
  CHECK_FALSE(parse<Auth>("AUTH LOGIN").initial.has_value());
  CHECK(parse<Auth>("AUTH PLAIN dGVzdAB0ZXN0AHRlc3Q=").initial ==
        std::string("test\0test\0test", 14));
  CHECK(parse<Auth>("AUTH EXTERNAL =").initial == "");
  CHECK(refusal("AUTH PLAIN *") == "The response is not base64");
  CHECK(refusal("AUTH PL.AIN") == "The command is: AUTH mechanism [initial response]");
  CHECK(refusal("AUTH ABCDEFGHIJKLMNOPQRSTU") ==
        "The command is: AUTH mechanism [initial response]");
}
