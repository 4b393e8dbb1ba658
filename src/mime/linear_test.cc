#include "mime/address.h"
#include "mime/charset.h"
#include "mime/date.h"
#include "mime/encoded_word.h"
#include "mime/header.h"
#include "mime/parameter.h"
#include "mime/structure.h"
#include "mime/transfer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <functional>

// Mail-server rule R5: no input makes us slower than linear.  Each hostile shape is given at one
// size and at eight times that size; a linear parser takes eight times as long, a quadratic one
// sixty-four. The limit between them is generous because machines are busy.

using namespace todoke::mime;

namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

double processor_seconds(const std::function<void()>& work) {
  auto begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

using Parser = std::function<void(const std::string&)>;

void check_linear(const Parser& parse, std::string_view unit, std::string_view prefix = "") {
  constexpr std::size_t growth = 8;
  CAPTURE(unit);
  auto times = std::max<std::size_t>(1, 12'000 / unit.size());
  auto small = std::string(prefix) + repeat(unit, times);
  auto large = std::string(prefix) + repeat(unit, times * growth);
  constexpr double noise = 0.002;  // below this nothing can be said, and nothing is wrong
  // A busy machine may disturb one measurement, not three in a row.
  double one = 0, many = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    one = processor_seconds([&] { parse(small); });
    many = processor_seconds([&] { parse(large); });
    if (many < (one + noise) * growth * 3) break;
  }
  CHECK(many < (one + noise) * growth * 3);
}

}  // namespace

TEST_CASE("linear time: addresses") {
  Parser parse = [](const std::string& text) { parse_addresses(text); };
  for (std::string_view unit : {"(",      "((a)",
                                ")",      "\"",
                                "\"\\",   "\\\"",
                                "<",      "<@a,",
                                "<@a:",   "[",
                                "a@",     "a ",
                                "a,",     ":",
                                "a:;",    "a:b@c,",
                                ";",      "<a@b",
                                "\x1B$B", "\x82",
                                ".",      "@",
                                "a (b",   "\"a\" ",
                                "(a)",    "=?utf-8?Q?a?= <a@b>,"})
    check_linear(parse, unit);
}

TEST_CASE("linear time: encoded words") {
  Parser parse = [](const std::string& text) { decode_words(text); };
  for (std::string_view unit : {"=?", "=?u?q?", "=?utf-8?Q?a", "=?utf-8?Q?a?= ", "?=",
                                "=?utf-8?B?YQ==?=", "=?a?b?c?", "=", "?", " ", "=?utf-8?q?=?",
                                "=?iso-2022-jp?B?GyRC?=", "=?a?Q?x?= =?b?Q?y?= ", "\x1B$B", "\xE5"})
    check_linear(parse, unit);
}

TEST_CASE("linear time: parameters") {
  Parser parse = [](const std::string& text) { parse_parameter_field(text); };
  for (std::string_view unit : {";", "a=b;", "a*0=b;", "a*9=", "\"", "=\"", "(", "((a)", "=", "a ",
                                "%41", "a*=utf-8''", "'", "*"}) {
    check_linear(parse, unit);
    check_linear(parse, unit, "text/plain; name*=utf-8''");
    check_linear(parse, unit, "text/plain; name=\"");
  }
}

TEST_CASE("linear time: headers, dates, charsets, transfer encodings") {
  for (std::string_view unit : {"a:\n", "a:b\n ", "\n", " \n", "a", ":", "\r", "From \n"}) {
    check_linear([](const std::string& text) { split_header(text); }, unit);
    check_linear([](const std::string& text) { parse_structure(text); }, unit);
  }
  for (std::string_view unit : {"1", "(", "Jan ", ":", "+", "-1"})
    check_linear([](const std::string& text) { parse_date(text); }, unit);
  for (std::string_view unit :
       {"\x1B", "\x1B$", "\x1B$B!", "\x81", "\x8F", "\xE5\xB1", "\xF0", "\x0E"}) {
    for (std::string_view charset : {"", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp", "gb18030"})
      check_linear([=](const std::string& text) { to_utf8(text, charset); }, unit);
  }
  for (std::string_view unit : {"=", "= ", " ", "\r", "=4", "A", "=\n"}) {
    for (auto encoding : {TransferEncoding::base64, TransferEncoding::quoted_printable})
      check_linear([=](const std::string& text) { decode_transfer(text, encoding); }, unit);
  }
}

TEST_CASE("linear time: nested boundaries") {
  Parser parse = [](const std::string& text) { parse_structure(text); };
  // Forty boundaries that differ at their ends only, then lines that might be any of them.
  std::string nested;
  std::string stem(400, 'b');
  for (int i = 0; i < 40; ++i) {
    auto boundary = stem + static_cast<char>('A' + i);
    nested += "Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary +
              "\r\n";
  }
  nested += "\r\n";
  for (const auto& unit : {"--" + stem + "\r\n", "--" + stem + "!\r\n", std::string("--\r\n"),
                           std::string("-"), std::string("\r\n"), "--" + stem + "A\r\n\r\n"})
    check_linear(parse, unit, nested);
  check_linear(parse, "Content-Type: message/rfc822\r\n\r\n");
  check_linear(parse, "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n");
  check_linear(parse, "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
               "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
}
