#include "queue/returns/return_parser.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;

TEST_CASE("an ordinary mail is none") {
  auto result =
      parse_return("From: hana@example.jp\r\nSubject: x\r\n\r\nhello\r\n", "hana@example.jp");
  CHECK(result.kind == ReturnKind::none);
  CHECK(result.recipients.empty());
}

TEST_CASE("nothing at all is none") {
  CHECK(parse_return("", "").kind == ReturnKind::none);
}
