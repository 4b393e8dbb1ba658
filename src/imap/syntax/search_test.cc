#include "imap/syntax/test_parse.h"

using namespace todoke;
using namespace todoke::imap;
using namespace std::chrono;

namespace {

using Kind = SearchKey::Kind;

std::vector<SearchKey> keys(std::string_view text) {
  auto search = parse<Search>("SEARCH " + std::string(text));
  CHECK(search.key.kind == Kind::both);
  return search.key.children;
}

SearchKey one(std::string_view text) {
  auto found = keys(text);
  REQUIRE(found.size() == 1);
  return found[0];
}

SearchKey flag(std::string name) {
  SearchKey key;
  key.kind = Kind::flag;
  key.text = std::move(name);
  return key;
}

SearchKey negated(SearchKey inner) {
  SearchKey key;
  key.kind = Kind::negated;
  key.children = {std::move(inner)};
  return key;
}

SearchKey header(std::string field, std::string text) {
  SearchKey key;
  key.kind = Kind::header;
  key.field = std::move(field);
  key.text = std::move(text);
  return key;
}

std::string search_refusal(std::string_view text, Errc code = Errc::invalid) {
  return refusal("SEARCH " + std::string(text), code);
}

}  // namespace

TEST_CASE("flags, RFC 9051 §6.4.4") {
  CHECK(one("ALL").kind == Kind::all);
  CHECK(one("ANSWERED") == flag("\\Answered"));
  CHECK(one("deleted") == flag("\\Deleted"));
  CHECK(one("DRAFT") == flag("\\Draft"));
  CHECK(one("FLAGGED") == flag("\\Flagged"));
  CHECK(one("SEEN ") == flag("\\Seen"));
  CHECK(one("UNANSWERED") == negated(flag("\\Answered")));
  CHECK(one("UNDELETED") == negated(flag("\\Deleted")));
  CHECK(one("UNDRAFT") == negated(flag("\\Draft")));
  CHECK(one("UNFLAGGED") == negated(flag("\\Flagged")));
  CHECK(one("UNSEEN") == negated(flag("\\Seen")));
  CHECK(one("KEYWORD $Forwarded") == flag("$Forwarded"));
  CHECK(one("UNKEYWORD Work") == negated(flag("Work")));
  CHECK(one("NEW").kind == Kind::none);
  CHECK(one("RECENT").kind == Kind::none);
  CHECK(one("OLD").kind == Kind::all);
}

TEST_CASE("texts and headers") {
  CHECK(one("FROM \"SMITH\"") == header("from", "SMITH"));
  CHECK(one("TO a") == header("to", "a"));
  CHECK(one("CC \"\"") == header("cc", ""));
  CHECK(one("BCC a") == header("bcc", "a"));
  CHECK(one("SUBJECT {6}\r\n届け") == header("subject", "届け"));
  CHECK(one("HEADER X-Spam \"\"") == header("x-spam", ""));
  CHECK(one("HEADER \"Message-ID\" \"<a@b>\"") == header("message-id", "<a@b>"));
  CHECK(one("BODY \"a b\"").text == "a b");
  CHECK(one("BODY a").kind == Kind::body);
  CHECK(one("TEXT \"届け\"").text == "届け");
  CHECK(one("TEXT a").kind == Kind::text);
}

TEST_CASE("dates, quoted or not") {
  auto check = [](std::string_view name, Kind kind) {
    auto key = one(std::string(name) + " 1-Feb-1994");
    CHECK(key.kind == kind);
    CHECK(key.date == sys_days(1994y / February / 1));
  };
  check("BEFORE", Kind::before);
  check("ON", Kind::on);
  check("SINCE", Kind::since);
  check("SENTBEFORE", Kind::sent_before);
  check("SENTON", Kind::sent_on);
  check("SENTSINCE", Kind::sent_since);
  check("SAVEDBEFORE", Kind::saved_before);
  check("SAVEDON", Kind::saved_on);
  check("SAVEDSINCE", Kind::saved_since);
  CHECK(one("SAVEDATESUPPORTED").kind == Kind::save_date_supported);
  CHECK(one("ON \"01-feb-2026\"").date == sys_days(2026y / February / 1));
  CHECK(one("ON 29-Feb-2024").date == sys_days(2024y / February / 29));
  for (auto bad : {"ON", "ON x", "ON 29-Feb-2026", "ON 0-Jan-2026", "ON 32-Jan-2026", "ON 1-Jan-26",
                   "ON 1-Foo-2026", "ON \"1-Jan-2026", "ON 1-Jan-2026\"", "ON 2026-01-01",
                   "ON 1/Jan/2026", "ON 001-Jan-2026", "ON 1-January-2026", "ON 1-Jan-20260"}) {
    CAPTURE(bad);
    CHECK_FALSE(search_refusal(bad).empty());
  }
}

TEST_CASE("numbers and identifiers") {
  CHECK(one("LARGER 9223372036854775807").number == 9223372036854775807U);
  CHECK(one("SMALLER 0").kind == Kind::smaller);
  // RFC 5032 §3.
  CHECK(one("OLDER 3600").kind == Kind::older);
  CHECK(one("YOUNGER 3600").number == 3600);
  // RFC 7162 §3.1.5.
  CHECK(one("MODSEQ 620162338").number == 620162338);
  CHECK(one("MODSEQ \"/flags/\\\\draft\" all 620162338").number == 620162338);
  CHECK(one("MODSEQ 0").kind == Kind::mod_seq);
  // RFC 8474 §5.3.
  CHECK(one("EMAILID M6d99ac3275bb4e").text == "M6d99ac3275bb4e");
  CHECK(one("THREADID T64b478a75b7ea9").kind == Kind::thread_id);
  CHECK(one("2,4:*").set == *parse_sequence_set("2,4:*"));
  CHECK(one("*").kind == Kind::sequence);
  CHECK(one("$").set.saved_result);
  CHECK(one("UID 5:7").kind == Kind::uid);
  CHECK(one("UID $").set.saved_result);
  for (auto bad :
       {"LARGER", "LARGER x", "LARGER -1", "LARGER 9223372036854775808", "OLDER 0", "YOUNGER 1d",
        "MODSEQ", "MODSEQ \"/flags/a\" 5", "MODSEQ \"/flags/a\" foo 5",
        "MODSEQ 9223372036854775808", "EMAILID", "0", "1,", "UID", "UID x", "UID 0", "1:2x"}) {
    CAPTURE(bad);
    CHECK_FALSE(search_refusal(bad).empty());
  }
}

TEST_CASE("trees") {
  auto example = keys("FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"");
  REQUIRE(example.size() == 3);
  CHECK(example[0] == flag("\\Flagged"));
  CHECK(example[2] == negated(header("from", "Smith")));
  auto either = one("OR SEEN (DRAFT UNSEEN)");
  CHECK(either.kind == Kind::either);
  REQUIRE(either.children.size() == 2);
  CHECK(either.children[0] == flag("\\Seen"));
  CHECK(either.children[1].kind == Kind::both);
  CHECK(either.children[1].children.size() == 2);
  CHECK(one("NOT NOT SEEN") == negated(negated(flag("\\Seen"))));
  CHECK(one("(SEEN )").children.size() == 1);
  for (auto bad : {"",
                   "FOO",
                   "()",
                   "(SEEN",
                   "SEEN)",
                   "NOT",
                   "NOT )",
                   "OR SEEN",
                   "OR SEEN ",
                   "SEEN  SEEN",
                   "(SEEN)(SEEN)",
                   "( SEEN)",
                   "SEEN,SEEN",
                   "KEYWORD",
                   "KEYWORD \"a\"",
                   "KEYWORD \\Foo",
                   "HEADER x",
                   "HEADER \"\" x",
                   "HEADER \"a\nb\" x",
                   "FROM",
                   "FROM \"a",
                   "SUBJECT (a)",
                   "SEEN\r\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(search_refusal(bad).empty());
  }
  CHECK(search_refusal("SEEN FUZZY") == "bad search key FUZZY");
}

TEST_CASE("RFC 4731, RFC 5182: RETURN") {
  auto search = parse<Search>("UID SEARCH RETURN (min MAX COUNT) FLAGGED");
  CHECK(search.numbers == Numbers::uid);
  CHECK(search.extended);
  CHECK(search.min);
  CHECK(search.max);
  CHECK(search.count);
  CHECK_FALSE(search.all);
  CHECK_FALSE(search.save);
  CHECK(parse<Search>("SEARCH RETURN () ALL").all);
  CHECK(parse<Search>("SEARCH RETURN (ALL) ALL").all);
  search = parse<Search>("SEARCH RETURN (SAVE) CHARSET UTF-8 SUBJECT a");
  CHECK(search.save);
  CHECK_FALSE(search.all);
  CHECK_FALSE(parse<Search>("SEARCH ALL").extended);
  for (auto bad : {"RETURN", "RETURN (MIN)", "RETURN MIN ALL", "RETURN (FOO) ALL",
                   "RETURN (MIN)ALL", "RETURN (MIN MAX ALL"})
    CHECK_FALSE(search_refusal(bad).empty());
}

TEST_CASE("CHARSET") {
  CHECK(one("CHARSET utf-8 SUBJECT \"届け\"").text == "届け");
  CHECK(one("CHARSET US-ASCII SUBJECT a").text == "a");
  CHECK(one("CHARSET ISO-2022-JP SUBJECT {12}\r\n\x1B$B%a!<%k\x1B(B").text == "メール");
  CHECK(one("charset \"Shift_JIS\" SUBJECT {6}\r\n\x83\x81\x81\x5B\x83\x8B").text == "メール");
  CHECK(one("CHARSET EUC-JP SUBJECT \"\xA5\xE1\xA1\xBC\xA5\xEB\"").text == "メール");
  // Characters that only the vendors' variants have.
  CHECK(one("CHARSET ISO-2022-JP BODY \"\x1B$B-!|b\x1B(B\"").text == "①髙");
  CHECK(one("CHARSET Shift_JIS BODY \"\x87\x40\xFB\xFC\"").text == "①髙");
  CHECK(one("CHARSET iso-8859-1 SUBJECT \"\xE4\"").text == "ä");
  for (auto unknown : {"CHARSET X-UNKNOWN ALL", "CHARSET \"\" ALL", "CHARSET ../a ALL",
                       "CHARSET \"a b\" ALL", "CHARSET UTF-8,version=1 ALL"})
    CHECK(parse<Search>("SEARCH RETURN (SAVE) " + std::string(unknown)).unknown_charset);
  CHECK(parse<Search>("SEARCH RETURN (SAVE) CHARSET X-UNKNOWN ALL").save);
  CHECK_FALSE(search_refusal("SUBJECT \"\xE4\"").empty());
  CHECK_FALSE(search_refusal("CHARSET EUC-JP SUBJECT \"\xA5\"").empty());
  CHECK_FALSE(search_refusal("CHARSET UTF-8").empty());
  CHECK_FALSE(search_refusal("CHARSET").empty());
}

TEST_CASE("limits of SEARCH") {
  auto nested = [](std::size_t depth, std::string_view open, std::string_view close) {
    std::string text;
    for (std::size_t i = 1; i < depth; ++i) text += open;
    text += "ALL";
    for (std::size_t i = 1; i < depth; ++i) text += close;
    return text;
  };
  for (auto [open, close] : {std::pair("(", ")"), std::pair("NOT ", ""), std::pair("OR ALL ", ""),
                             std::pair("OR ", " ALL")}) {
    CAPTURE(open);
    CHECK(keys(nested(max_search_depth, open, close)).size() == 1);
    CHECK(search_refusal(nested(max_search_depth + 1, open, close), Errc::over_limit) ==
          "search keys are nested too deep");
  }
  std::string many = "ALL";
  for (std::size_t i = 2; i < max_search_keys; ++i) many += " ALL";
  CHECK(keys(many).size() == max_search_keys - 1);
  CHECK(search_refusal(many + " ALL", Errc::over_limit) == "too many search keys");
  CHECK(search_refusal(many.substr(4) + " UNSEEN", Errc::over_limit) == "too many search keys");
}
