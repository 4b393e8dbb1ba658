#include "provider/reply_class.h"

#include <doctest/doctest.h>

using namespace todoke::provider;

// The table of the taxonomy, once more, so that a change is made twice or not at all.
TEST_CASE("facts of the thirteen classes") {
  struct Row {
    int number;
    const char* name;
    bool retried_4xx, retried_5xx, blames, holds;
    double strike;
    Party who;
  };
  const Row rows[] = {
      {1, "gone", true, false, false, false, 1, Party::administrator},
      {2, "inactive", true, false, false, false, 0.5, Party::member},
      {3, "full", true, true, false, false, 0.25, Party::member},
      {4, "filtered", true, false, false, false, 0, Party::member},
      {5, "throttled", true, true, true, false, 0, Party::system},
      {6, "blocked", true, true, true, true, 0, Party::operators},
      {7, "auth", true, true, false, true, 0, Party::operators},
      {8, "content", true, false, false, false, 0, Party::author},
      {9, "unreachable", true, true, true, false, 0, Party::system},
      {10, "expired", false, false, false, false, 0, Party::system},
      {11, "complaint", false, false, false, false, 0, Party::member},
      {12, "automatic", false, false, false, false, 0, Party::nobody},
      {13, "unknown", true, true, false, false, 0, Party::operators},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    auto reply_class = static_cast<ReplyClass>(row.number);
    CHECK(to_text(reply_class) == row.name);
    CHECK(parse_reply_class(row.name) == reply_class);
    CHECK(is_retried(reply_class, false) == row.retried_4xx);
    CHECK(is_retried(reply_class, true) == row.retried_5xx);
    CHECK(blames_provider(reply_class) == row.blames);
    CHECK(facts_of(reply_class).holds == row.holds);
    CHECK(facts_of(reply_class).strike == row.strike);
    CHECK(counts_against_address(reply_class) == (row.strike > 0));
    CHECK(facts_of(reply_class).who_acts == row.who);
  }
  CHECK_FALSE(parse_reply_class("Gone"));
  CHECK_FALSE(parse_reply_class(""));
}
