#include "smtp/syntax/received.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace todoke::smtp;

namespace {

Trace example() {
  return {.helo = "mail.example.com",
          .client_name = "out.example.com",
          .client_address = "192.0.2.1",
          .host = "mx.example.jp",
          .protocol = {.extended = true, .tls = true},
          .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
          .id = "01HZX3",
          .for_ = Path{"a..b", "example.jp"},
          .date = "Tue, 6 Oct 2026 12:00:00 +0900"};
}

// Every line but the first begins with a blank, and there is no other control character.
bool is_one_field(std::string_view text) {
  if (!text.ends_with("\r\n")) return false;
  text.remove_suffix(2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && (text.substr(i, 3) != "\r\n\t")) return false;
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return false;
    if (static_cast<unsigned char>(text[i]) < 32 && !std::string_view("\r\n\t").contains(text[i]))
      return false;
  }
  return true;
}

}  // namespace

TEST_CASE("RFC 3848 and RFC 6531 §4.3: the with keyword") {
  CHECK(with_keyword({}) == "SMTP");
  CHECK(with_keyword({.tls = true, .authenticated = true}) == "SMTP");
  CHECK(with_keyword({.extended = true}) == "ESMTP");
  CHECK(with_keyword({.extended = true, .authenticated = true}) == "ESMTPA");
  CHECK(with_keyword({.extended = true, .tls = true}) == "ESMTPS");
  CHECK(with_keyword({.extended = true, .tls = true, .authenticated = true}) == "ESMTPSA");
  CHECK(with_keyword({.lmtp = true}) == "LMTP");
  CHECK(with_keyword({.lmtp = true, .extended = true, .tls = true, .authenticated = true}) ==
        "LMTPSA");
  CHECK(with_keyword({.extended = true, .utf8 = true}) == "UTF8SMTP");
  CHECK(with_keyword({.extended = true, .tls = true, .authenticated = true, .utf8 = true}) ==
        "UTF8SMTPSA");
  CHECK(with_keyword({.lmtp = true, .tls = true, .utf8 = true}) == "UTF8LMTPS");
}

TEST_CASE("RFC 5321 §4.4: Received, folded") {
  CHECK(render_received(example()) ==
        "Received: from mail.example.com (out.example.com [192.0.2.1]) by mx.example.jp\r\n"
        "\twith ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384) id 01HZX3\r\n"
        "\tfor <a..b@example.jp>; Tue, 6 Oct 2026 12:00:00 +0900\r\n");
  auto submitted = example();
  submitted.helo = submitted.client_address = submitted.client_name = submitted.tls = "";
  submitted.for_.reset();
  submitted.protocol = {.extended = true, .authenticated = true};
  CHECK(render_received(submitted) ==
        "Received: from unknown by mx.example.jp with ESMTPA id 01HZX3;\r\n"
        "\tTue, 6 Oct 2026 12:00:00 +0900\r\n");
  auto ipv6 = example();
  ipv6.client_name = "";
  ipv6.client_address = "2001:db8::1";
  CHECK(render_received(ipv6).contains("([IPv6:2001:db8::1])"));
}

TEST_CASE("R11: no client's name breaks out of its place") {
  const std::string texts[] = {"x\r\nBcc: y",
                               "x) (y",
                               "x;y",
                               "x y",
                               "\"x",
                               "x\\",
                               "\xE5\xB1\x8A",
                               "x\ty",
                               "x<y>",
                               {"x\0y", 3},
                               std::string(5000, 'x')};
  for (const auto& hostile : texts) {
    auto trace = example();
    trace.helo = trace.client_name = trace.client_address = trace.id = trace.tls = hostile;
    trace.for_ = Path{hostile.substr(0, 200), "b"};
    trace.date += hostile;
    auto field = render_received(trace);
    CAPTURE(field);
    CHECK(is_one_field(field));
    for (auto rest = std::string_view(field); !rest.empty();
         rest.remove_prefix(rest.find('\n') + 1))
      CHECK(rest.find('\n') < 998);
    trace.for_.reset();
    auto without_path = render_received(trace);
    CHECK(std::ranges::count(without_path, ';') == 1);
    CHECK(std::ranges::count(without_path, '(') == std::ranges::count(without_path, ')'));
  }
}

TEST_CASE("RFC 5321 §4.4: Return-Path") {
  CHECK(render_return_path({}) == "Return-Path: <>\r\n");
  CHECK(render_return_path({"a", "b"}) == "Return-Path: <a@b>\r\n");
  CHECK(is_one_field(render_return_path({"a\r\nb", "c\n"})));
}
