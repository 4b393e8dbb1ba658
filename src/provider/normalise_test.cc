#include "provider/normalise.h"

#include "base/utf8.h"

#include <doctest/doctest.h>

using namespace todoke;
using provider::normalise;

TEST_CASE("what differs from one reply to the next is replaced") {
  struct Row {
    const char* from;
    const char* to;
  };
  const Row rows[] = {
      {"550-5.1.1 The account\r\n550-5.1.1 does not\r\n550 5.1.1 exist a1b2c3d4e5-1234 - gsmtp",
       "550 5.1.1 The account does not exist <id> - gsmtp"},
      {"550 5.1.1 <a.b@example.jp>: User unknown", "550 5.1.1 <address>: User unknown"},
      {"<\"a..b.\"@docomo.ne.jp>: no", "<address>: no"},
      {"blocked [192.0.2.7], see https://example.org/q?ip=192.0.2.7&x=(1).",
       "blocked [<ip>], see <url>"},
      {"from 2001:db8::7 and 192.0.2.0/24", "from <ip> and <ip>"},
      {"IPv6:2001:db8::7.", "<ip>."},
      {"mx1.example.jp said no (zen.example.org)", "<host> said no (<host>)"},
      {"queued as 4F1A2B3C4D at 2026-11-22 12:34:56", "queued as <id> at <number> <number>"},
      {"421 4.7.0 [TSS04] deferred - 4.16.55.1", "421 4.7.0 [TSS04] deferred - <ip>"},
      {"550 5.7.1 block list (S3150) ip=192.0.2.7", "550 5.7.1 block list (S3150) ip=<ip>"},
      {"limit is 20MB or 1000 lines", "limit is <number> or <number> lines"},
      {"553 #5.7.1 can't", "553 #5.7.1 can't"},
      {"x 550 y 550 z", "x <number> y <number> z"},
      {"  \t\r\n ", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.from);
    CHECK(normalise(row.from) == row.to);
  }
}

TEST_CASE("two copies of one reply are equal") {
  CHECK(normalise("421 4.7.28 rate from [192.0.2.7 15]. d2e1a72fcca58-2f1 - gsmtp") ==
        normalise("421 4.7.28 rate from [198.51.100.77 9]. a92d1050aaee3-9c0 - gsmtp"));
}

TEST_CASE("the result is bounded, UTF-8 and holds no address") {
  std::string text = "\xFF\xE3\x81";
  for (int i = 0; i < 10'000; ++i) text += "\xE3\x81\x82 a@b ";
  auto result = normalise(text);
  CHECK(result.size() <= provider::max_normalised_bytes);
  CHECK(result.size() > 400);
  CHECK(is_utf8(result));
  CHECK(result.find('@') == result.npos);
}
