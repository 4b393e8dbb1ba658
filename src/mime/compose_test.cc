#include "mime/compose.h"

#include "base/utf8.h"
#include "mime/encoded_word.h"
#include "mime/structure.h"
#include "mime/text.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace todoke;
using namespace todoke::mime;

namespace {

Address mailbox(std::string name, std::string local, std::string domain) {
  return {Address::Kind::mailbox, std::move(name), {}, std::move(local), std::move(domain)};
}

Letter letter() {
  Letter l;
  l.date = {std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000)), 540};
  l.message_id = "1@todoke.example";
  l.from = {mailbox("とどけ 連絡網", "notice", "todoke.example")};
  l.to = {mailbox("", "a..b", "docomo.ne.jp"), mailbox("O'Neil, \"Jim\"", "jim", "example.com")};
  l.subject = "【重要】台風による休校のお知らせ（必ずお読みください）：明日は全学年とも休校です";
  l.text = "保護者の皆様\n\n明日は休校です。\nFrom here\n.\n";
  return l;
}

// What every message of ours promises.
void check_lines(std::string_view message, std::size_t longest = 78) {
  for (std::size_t at = 0; at < message.size();) {
    auto end = message.find("\r\n", at);
    REQUIRE(end != std::string_view::npos);
    auto line = message.substr(at, end - at);
    CHECK(line.find_first_of("\r\n") == std::string_view::npos);
    CHECK(line.size() <= longest);
    bool is_7bit = std::ranges::all_of(line, [](char c) { return c > 0; });
    CHECK(is_7bit);
    at = end + 2;
  }
}

std::string text_of(std::string_view message, const Part& part) {
  return decoded_text(part, message.substr(part.body_begin, part.size()));
}

}  // namespace

TEST_CASE("a letter, composed and parsed") {
  auto message = compose(letter());
  REQUIRE(message.has_value());
  check_lines(*message);
  auto structure = parse_structure(*message);
  const auto& envelope = structure.envelope;
  CHECK(decode_words(*envelope.subject) == letter().subject);
  CHECK(envelope.message_id == "<1@todoke.example>");
  CHECK(parse_date(*envelope.date) == letter().date);
  CHECK(display_name(envelope.from.at(0)) == "とどけ 連絡網");
  CHECK(envelope.to == letter().to);
  REQUIRE(structure.parts.size() == 1);
  CHECK(text_of(*message, structure.parts[0]) ==
        "保護者の皆様\r\n\r\n明日は休校です。\r\nFrom here\r\n.\r\n");
}

TEST_CASE("alternative, attachments, nested messages") {
  auto l = letter();
  l.html = "<p>明日は休校です。</p>";
  std::string bytes;
  for (int i = 0; i < 1'000; ++i) bytes += static_cast<char>(i);
  l.attachments.push_back(attachment("application", "pdf",
                                     "お知らせ（令和八年度第一学期・保護者の皆様へ）.pdf", bytes));
  l.attachments.push_back(
      attachment("message", "rfc822", "old mail.eml", "Subject: inner\n\n=_x\n"));
  l.attachments[0].content_id = "pdf@todoke.example";
  l.attachments[0].description = "資料";
  auto message = compose(l);
  REQUIRE(message.has_value());
  check_lines(*message);
  auto structure = parse_structure(*message);
  REQUIRE(structure.parts.size() == 7);
  const auto& parts = structure.parts;
  CHECK(structure.children(0) == std::vector{1, 4, 5});
  CHECK(structure.children(1) == std::vector{2, 3});
  CHECK(parts[1].subtype == "alternative");
  CHECK(text_of(*message, parts[3]) == l.html);
  CHECK(parts[4].file_name() == "お知らせ（令和八年度第一学期・保護者の皆様へ）.pdf");
  CHECK(parts[4].disposition == "attachment");
  CHECK(parts[4].content_id == "<pdf@todoke.example>");
  CHECK(decode_words(*parts[4].description) == "資料");
  CHECK(decoded_bytes(parts[4], message->substr(parts[4].body_begin, parts[4].size())) == bytes);
  CHECK(parts[5].file_name() == "old mail.eml");
  CHECK(parts[5].envelope->subject == "inner");
}

TEST_CASE("R11: control characters are refused wherever they come in") {
  for (std::string bad : {std::string("a\r\nBcc: x@y"), std::string("a\nb"), std::string("a\rb"),
                          std::string("a\0b", 3), std::string("a\x1B$B"), std::string("a\x7F")}) {
    CAPTURE(bad);
    HeaderWriter header;
    CHECK_FALSE(header.text("Subject", bad));
    CHECK_FALSE(header.text(bad, "x"));
    CHECK_FALSE(header.structured("X-A", bad));
    CHECK_FALSE(header.addresses("To", {mailbox(bad, "a", "b")}));
    CHECK_FALSE(header.addresses("To", {mailbox("", bad, "b")}));
    CHECK_FALSE(header.addresses("To", {mailbox("", "a", bad)}));
    CHECK_FALSE(header.identifiers("Message-ID", {bad}));
    CHECK_FALSE(header.parameters("Content-Type", "text/" + bad, {}));
    CHECK_FALSE(header.parameters("Content-Type", "text/plain", {{bad, "x"}}));
    CHECK_FALSE(header.parameters("Content-Type", "text/plain", {{"x", bad}}));
    CHECK(header.block().empty());

    for (auto change : {+[](Letter& l, const std::string& b) { l.subject = b; },
                        +[](Letter& l, const std::string& b) { l.message_id = b; },
                        +[](Letter& l, const std::string& b) { l.to[0].name = b; },
                        +[](Letter& l, const std::string& b) { l.references = {b}; },
                        +[](Letter& l, const std::string& b) { l.extra = {{"X-A", b}}; },
                        +[](Letter& l, const std::string& b) { l.extra = {{b, "a"}}; },
                        +[](Letter& l, const std::string& b) {
                          l.attachments = {attachment("a", "b", b, "")};
                        }}) {
      auto l = letter();
      change(l, bad);
      CHECK_FALSE(compose(l).has_value());
    }
  }
}

TEST_CASE("what else a header refuses") {
  HeaderWriter header;
  for (std::string_view name : {"", "a:b", "a b", "ä"}) CHECK_FALSE(header.text(name, "x"));
  CHECK_FALSE(header.structured("X", "ä"));
  CHECK_FALSE(header.identifiers("Message-ID", {"a b"}));
  CHECK_FALSE(header.identifiers("Message-ID", {"a>, <b"}));
  CHECK_FALSE(header.parameters("Content-Type", "text", {{"a b", "c"}}));
  CHECK_FALSE(header.parameters("Content-Type", "text/plain; x=y", {}));
  CHECK_FALSE(header.addresses("To", {mailbox("", "a", "b, c@d")}));
  CHECK_FALSE(header.addresses("To", {mailbox("", "a", "b>")}));
  CHECK_FALSE(header.addresses("To", {mailbox("", "a", "[b]c]")}));
  CHECK_FALSE(header.addresses("To", {mailbox("", "", "b")}));
  CHECK_FALSE(header.addresses("To", {mailbox("", "太郎", "example.jp")}));
  CHECK_FALSE(header.addresses("To", {mailbox("", std::string(990, 'a'), "example.jp")}));
  CHECK_FALSE(header.addresses("To", {{Address::Kind::group_end, {}, {}, {}, {}}}));
  CHECK_FALSE(header.addresses("To", {{Address::Kind::group_start, "g", {}, {}, {}}}));
  CHECK_FALSE(header.structured("X", std::string(1'000, 'a')));
  CHECK(header.block().empty());

  HeaderWriter international(HeaderWriter::AddressCharset::utf8);
  CHECK(international.addresses("To", {mailbox("", "太郎", "例え.jp")}));
  CHECK(international.block() == "To: 太郎@例え.jp\r\n");
  CHECK_FALSE(international.addresses("To", {mailbox("", "\xFF", "a.jp")}));
}

TEST_CASE("folding and encoding of single fields") {
  HeaderWriter header;
  CHECK(header.text("Subject", ""));
  CHECK(header.text("X", "  a  b\tc "));
  CHECK(header.text("Y", "not =?utf-8?Q?a?= word"));
  CHECK(header.block() ==
        "Subject:\r\nX: a  b c\r\nY: =?UTF-8?B?bm90ID0/dXRmLTg/UT9hPz0gd29yZA==?=\r\n");

  std::string words, long_word(2'000, 'x');
  for (int i = 0; i < 100; ++i) words += std::string(static_cast<std::size_t>(i % 12), 'w') + "  ";
  words += "end";
  for (const auto& text :
       {words, long_word, "a" + std::string(300, ' ') + "b", std::string("届け ") + words}) {
    HeaderWriter one;
    REQUIRE(one.text("Subject", text));
    check_lines(one.block());
    auto back = parse_envelope(one.block()).subject;
    CHECK(decode_words(*back) == std::string(text.substr(text.find_first_not_of(' '))));
  }
}

TEST_CASE("random addresses survive") {
  std::mt19937 random(6);
  const std::string alphabet = "ab.,\"\\@<>();:[] =?_-";
  auto word = [&](std::size_t longest) {
    std::string out;
    for (auto n = 1 + random() % longest; n > 0; --n) {
      if (random() % 6 == 0) {
        append_utf8(out, 0x3042 + random() % 80);
      } else {
        out += alphabet[random() % alphabet.size()];
      }
    }
    return out;
  };
  for (int i = 0; i < 2'000; ++i) {
    AddressList list;
    bool group = random() % 4 == 0;
    if (group) list.push_back({Address::Kind::group_start, "連絡, 網", {}, {}, {}});
    for (auto n = random() % 5; n > 0; --n) {
      auto local = word(12);
      std::erase_if(local, [](char c) { return c < 0; });
      auto name = word(40);
      while (name.starts_with(' ')) name.erase(0, 1);
      while (name.ends_with(' ')) name.pop_back();
      list.push_back(mailbox(name, local.empty() ? "x" : local, "example.jp"));
    }
    if (group) list.push_back({Address::Kind::group_end, {}, {}, {}, {}});
    HeaderWriter header;
    REQUIRE(header.addresses("To", list));
    check_lines(header.block(), 998);
    auto back = parse_envelope(header.block()).to;
    for (auto& address : back) address.name = display_name(address);
    CAPTURE(header.block());
    CHECK(back == list);
  }
}

TEST_CASE("random parameters survive") {
  std::mt19937 random(7);
  for (int i = 0; i < 1'000; ++i) {
    std::string value;
    for (auto n = random() % 90; n > 0; --n)
      append_utf8(value, random() % 2 == 0 ? 33 + random() % 94 : 0x3042 + random() % 80);
    HeaderWriter header;
    REQUIRE(
        header.parameters("Content-Disposition", "attachment", {{"filename", value}, {"x", "y"}}));
    check_lines(header.block());
    auto field = split_header(header.block()).at(0);
    CHECK(*parse_parameter_field(field.raw_value).parameters.find("filename") == value);
  }
}

TEST_CASE("texts of every kind come back, and boundaries do not occur in them") {
  std::mt19937 random(9);
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (auto n = random() % 60; n > 0; --n) {
      const std::vector<std::string> pieces{
          "a", " ", "\n", "From ", ".", "届け", "=_", "\t\n", std::string(1'000, 'l'), "é"};
      text += pieces[random() % pieces.size()];
    }
    std::string expected;
    for (char c : text) expected += c == '\n' ? "\r\n" : std::string(1, c);
    auto body = multipart("mixed", {text_entity("plain", text), text_entity("html", text)});
    auto message = compose(HeaderWriter(), body, "seed");
    REQUIRE(message.has_value());
    check_lines(*message, 998);
    auto structure = parse_structure(*message);
    REQUIRE(structure.parts.size() == 3);
    CHECK(text_of(*message, structure.parts[1]) == expected);
    CHECK(text_of(*message, structure.parts[2]) == expected);
  }
  // Someone who knows our boundaries.
  auto first = compose(HeaderWriter(), multipart("mixed", {text_entity("plain", "x")}), "seed");
  auto structure = parse_structure(*first);
  auto boundary = *structure.parts[0].parameters.find("boundary");
  auto second =
      compose(HeaderWriter(),
              multipart("mixed", {text_entity("plain", "--" + boundary + "\n\nforged")}), "seed");
  CHECK(parse_structure(*second).parts.size() == 2);
}

TEST_CASE("entities that contradict themselves") {
  Entity empty = multipart("mixed", {});
  CHECK_FALSE(compose(HeaderWriter(), empty, ""));
  Entity eight_bit = attachment("message", "rfc822", "", "Subject: 届け\n\n");
  CHECK_FALSE(compose(HeaderWriter(), eight_bit, ""));
  Entity deep = text_entity("plain", "x");
  for (int i = 0; i < 60; ++i) deep = multipart("mixed", {deep});
  CHECK_FALSE(compose(HeaderWriter(), deep, ""));
}
