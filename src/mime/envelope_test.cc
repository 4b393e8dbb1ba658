#include "mime/envelope.h"

#include "mime/structure.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace todoke;
using namespace todoke::mime;
using namespace std::string_view_literals;

TEST_CASE("RFC 9051 §7.5.2: envelope") {
  auto envelope = parse_envelope(
      "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
      "From: Terry Gray <gray@cac.washington.edu>\r\n"
      "Subject: IMAP4rev2 WG mtg\r\n summary and minutes\r\n"
      "To: imap@cac.washington.edu\r\nTO: second@example.jp\r\n"
      "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
      "In-Reply-To:\r\n"
      "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\nSubject: body\r\n");
  CHECK(envelope.date == "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)");
  CHECK(envelope.subject == "IMAP4rev2 WG mtg summary and minutes");
  CHECK(envelope.from.at(0).name == "Terry Gray");
  CHECK(envelope.sender == envelope.from);
  CHECK(envelope.reply_to == envelope.from);
  CHECK(envelope.to.size() == 2);
  CHECK(envelope.cc.at(1).domain == "MIT.EDU");
  CHECK(envelope.bcc.empty());
  CHECK(envelope.in_reply_to == "");
  CHECK(envelope.message_id == "<B27397-0100000@cac.washington.edu>");
  CHECK_FALSE(parse_envelope("").subject.has_value());
}

TEST_CASE("RFC 9051 §7.5.2: the stored form is what FETCH answers") {
  auto text =
      encode(parse_envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                            "From: Terry Gray <gray@cac.washington.edu>\r\n"
                            "Subject: IMAP4rev2 WG mtg\r\n summary and minutes\r\n"
                            "To: imap@cac.washington.edu\r\n"
                            "cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
                            "In-Reply-To:\r\n"
                            "Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"));
  constexpr std::string_view terry = R"_((("Terry Gray" NIL "gray" "cac.washington.edu")))_";
  CHECK(
      text ==
      fmt::format(
          R"_(("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" )_"
          R"_({0} {0} {0} ((NIL NIL "imap" "cac.washington.edu")) )_"
          R"_(((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) )_"
          R"_(NIL "" "<B27397-0100000@cac.washington.edu>"))_",
          terry));
  CHECK(encode(Envelope{}) == "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}

TEST_CASE("quotes, backslashes, UTF-8, groups, routes and halves of addresses") {
  auto text =
      encode(parse_envelope("Subject: a \"b\" \\c\n"
                            "From: 届け <x@y>\n"
                            "Sender: <@a,@b:c@d>\n"
                            "Reply-To: only\n"
                            "To: friends: a@b, \"\"@c; , :;\n"));
  CHECK(text ==
        "(NIL \"a \\\"b\\\" \\\\c\" (({6}\r\n届け NIL \"x\" \"y\")) "
        "((NIL \"@a,@b\" \"c\" \"d\")) ((NIL NIL \"only\" \"\")) "
        "((NIL NIL \"friends\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL \"\" \"c\")(NIL NIL NIL NIL)"
        "(NIL NIL \"\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)");
  CHECK(encode(*decode_envelope(text)) == text);
}

TEST_CASE("what would break out of the form becomes a literal, and NUL a question mark") {
  Envelope envelope{.date = "a\rb\n", .subject = std::string("a\0b", 3)};
  CHECK(encode(envelope).starts_with("({4}\r\na\rb\n {3}\r\na?b NIL"));
  auto parsed = parse_envelope("Subject: a\0b\nFrom: \"x\0y\" <a\0@b>\n"sv);
  CHECK(parsed.subject == "a?b");
  CHECK(parsed.from.at(0).name == "x?y");
  CHECK(decode_envelope(encode(parsed)) == parsed);
}

TEST_CASE("stored envelopes survive, damaged ones are corrupt") {
  auto envelope = parse_envelope(
      "Date: today\nSubject: \"テスト\"\nFrom: 届け <x@y>, g: a@b;\nTo: b@c\nMessage-ID: <1@2>\n");
  auto text = encode(envelope);
  CHECK(decode_envelope(text) == envelope);
  for (std::size_t i = 0; i < text.size(); ++i) CHECK_FALSE(decode_envelope(text.substr(0, i)));
  CHECK_FALSE(decode_envelope(text + '\0'));
  CHECK_FALSE(decode_envelope(text + ' '));

  auto with = [](std::string_view date, std::string_view from) {
    return "(" + std::string(date) + " NIL " + std::string(from) + " NIL NIL NIL NIL NIL NIL NIL)";
  };
  CHECK(decode_envelope(with("\"a\"", "((NIL NIL \"a\" \"b\"))")).has_value());
  for (auto date : {"nil"sv, "a"sv, "\"a\rb\""sv, "\"\xE3\x81\xAA\""sv, "\"a\\b\""sv, "{1}\r\na"sv,
                    "{0}\r\n"sv, "{03}\r\nあ"sv, "{3}\nあ"sv, "{4}\r\nあ"sv, "{999}\r\nあ"sv,
                    "{99999999999999999999}\r\nあ"sv, "{4}\r\nあ\0"sv, "{-1}\r\n"sv, "()"sv}) {
    CAPTURE(date);
    auto decoded = decode_envelope(with(date, "NIL"));
    REQUIRE_FALSE(decoded.has_value());
    CHECK(decoded.error().code == Errc::corrupt);
  }
  for (auto from : {"()", "\"a\"", "(NIL)", "(NIL NIL \"a\" \"b\")", "((NIL NIL \"a\"))",
                    "((\"\" NIL \"a\" \"b\"))", "((NIL \"\" \"a\" \"b\"))", "((NIL NIL NIL \"b\"))",
                    "((\"a\" NIL \"a\" NIL))", "((NIL \"a\" NIL NIL))",
                    "((NIL NIL \"a\" \"b\") (NIL NIL \"a\" \"b\"))", "((NIL NIL \"a\" \"b\")",
                    "((NIL NIL \"a\" \"b\" NIL))"}) {
    CAPTURE(from);
    CHECK_FALSE(decode_envelope(with("NIL", from)).has_value());
  }
}

TEST_CASE("a stored list has no more addresses than a field may have") {
  auto list = [](std::size_t count) {
    std::string text = "(NIL NIL (";
    for (std::size_t i = 0; i < count; ++i) text += "(NIL NIL NIL NIL)";
    return text + ") NIL NIL NIL NIL NIL NIL NIL)";
  };
  CHECK(decode_envelope(list(max_addresses)).has_value());
  CHECK_FALSE(decode_envelope(list(max_addresses + 1)).has_value());
}

TEST_CASE("the envelope of a nested message is stored as the same text") {
  auto structure = parse_structure(
      "Content-Type: message/rfc822\r\n\r\nSubject: 届け\r\nFrom: a@b\r\n\r\nbody\r\n");
  auto bytes = encode(structure);
  CHECK(bytes.contains(encode(*structure.parts.at(0).envelope)));
  auto again = decode_structure(bytes);
  REQUIRE(again.has_value());
  CHECK(again->parts == structure.parts);
}
