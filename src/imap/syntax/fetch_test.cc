#include "imap/syntax/test_parse.h"

using namespace todoke;
using namespace todoke::imap;

namespace {

using Kind = FetchItem::Kind;
using What = Section::What;

std::vector<FetchItem> items(std::string_view text) {
  return parse<Fetch>("FETCH 1 " + std::string(text)).items;
}

FetchItem one(std::string_view text) {
  auto found = items(text);
  REQUIRE(found.size() == 1);
  return found[0];
}

std::string names(std::string_view text) {
  std::string out;
  for (const auto& item : items(text)) out += (out.empty() ? "" : " ") + item.name;
  return out;
}

std::string fetch_refusal(std::string_view text, Errc code = Errc::invalid) {
  return refusal("FETCH 1 " + std::string(text), code);
}

}  // namespace

TEST_CASE("macros, RFC 9051 §6.4.5") {
  CHECK(names("ALL") == "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE");
  CHECK(names("fast") == "FLAGS INTERNALDATE RFC822.SIZE");
  CHECK(names("Full ") == "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY");
  CHECK_FALSE(fetch_refusal("(ALL)").empty());
  CHECK_FALSE(fetch_refusal("ALL FAST").empty());
  CHECK(parse<Fetch>("FETCH 1 ALL (CHANGEDSINCE 5)").changed_since == 5);
}

TEST_CASE("plain items") {
  CHECK(names("(uid FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE MODSEQ SAVEDATE "
              "EMAILID THREADID PREVIEW)") ==
        "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE MODSEQ SAVEDATE EMAILID "
        "THREADID PREVIEW");
  auto plain = items("(body bodystructure preview)");
  CHECK(plain[0].kind == Kind::body);
  CHECK(plain[1].kind == Kind::body_structure);
  CHECK(plain[2].kind == Kind::preview);
  CHECK(plain[0].peek);
  CHECK_FALSE(plain[2].lazy);
  CHECK(names("(FLAGS )") == "FLAGS");
  CHECK(names("(FLAGS UID FLAGS)") == "FLAGS UID");
  CHECK(names("flags ") == "FLAGS");
  auto set = parse<Fetch>("UID FETCH 4,7:* FLAGS");
  CHECK(set.numbers == Numbers::uid);
  CHECK(set.set == *parse_sequence_set("4,7:*"));
}

TEST_CASE("RFC 3501 §6.4.5: RFC822 and its parts") {
  CHECK(one("RFC822") == FetchItem{.kind = Kind::section, .peek = false, .name = "RFC822"});
  auto header = one("rfc822.header");
  CHECK(header.kind == Kind::section);
  CHECK(header.section.what == What::header);
  CHECK(header.peek);
  CHECK(header.name == "RFC822.HEADER");
  CHECK(one("RFC822.TEXT").section.what == What::text);
  CHECK_FALSE(one("RFC822.TEXT").peek);
}

TEST_CASE("sections") {
  auto item = one("BODY[]");
  CHECK(item.kind == Kind::section);
  CHECK(item.section == Section{});
  CHECK_FALSE(item.peek);
  CHECK(item.name == "BODY[]");
  CHECK(one("body.peek[]").peek);
  item = one("BODY[1.2.MIME]");
  CHECK(item.section == Section{.part = {1, 2}, .what = What::mime});
  CHECK(item.name == "BODY[1.2.MIME]");
  CHECK(one("BODY.PEEK[3.text]").name == "BODY[3.TEXT]");
  CHECK(one("BODY[4294967295]").section.part == std::vector<std::uint32_t>{4294967295});
  CHECK(one("BODY[4.1.HEADER]").section.what == What::header);
  item = one("BODY.PEEK[HEADER.FIELDS (DATE \"X-A\" {4}\r\nfrom)]<0.100>");
  CHECK(item.section.what == What::header_fields);
  CHECK(item.section.fields == std::vector<std::string>{"DATE", "X-A", "from"});
  CHECK(item.partial == FetchItem::Partial{0, 100});
  CHECK(item.name == "BODY[HEADER.FIELDS (DATE X-A from)]<0>");
  item = one("BODY[2.header.fields.not (\"a b\" To )]");
  CHECK(item.section.what == What::header_fields_not);
  CHECK(item.name == "BODY[2.HEADER.FIELDS.NOT (\"a b\" To)]");
  CHECK(one("BODY.PEEK[TEXT]<5.10>").name == "BODY[TEXT]<5>");
  CHECK(names("(BODY[]<0.5> BODY[]<0.6> BODY[] BODY.PEEK[])") == "BODY[]<0> BODY[]<0> BODY[]");
  CHECK_FALSE(items("(BODY.PEEK[] BODY[])")[0].peek);
}

TEST_CASE("RFC 3516: BINARY") {
  auto item = one("BINARY[1]<0.5>");
  CHECK(item.kind == Kind::binary);
  CHECK_FALSE(item.peek);
  CHECK(item.name == "BINARY[1]<0>");
  CHECK(one("BINARY.PEEK[1.2]").name == "BINARY[1.2]");
  CHECK(one("BINARY.PEEK[]").peek);
  item = one("BINARY.SIZE[1]");
  CHECK(item.kind == Kind::binary_size);
  CHECK(item.peek);
  CHECK(item.name == "BINARY.SIZE[1]");
  for (auto bad : {"BINARY", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.5>", "BINARY[1.]"})
    CHECK_FALSE(fetch_refusal(bad).empty());
}

TEST_CASE("modifiers, RFC 7162 §3.1.4 and RFC 8970 §3.1") {
  auto fetch = parse<Fetch>("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
  CHECK(fetch.changed_since == 12345);
  CHECK(fetch.vanished);
  CHECK(parse<Fetch>("FETCH 1 FLAGS (changedsince 9223372036854775807)").changed_since ==
        9223372036854775807);
  CHECK(one("PREVIEW (LAZY)").lazy);
  CHECK(names("(PREVIEW (LAZY) UID)") == "PREVIEW UID");
  fetch = parse<Fetch>("FETCH 1 PREVIEW (CHANGEDSINCE 5)");
  CHECK_FALSE(fetch.items[0].lazy);
  CHECK(fetch.changed_since == 5);
  CHECK(parse<Fetch>("FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 5)").items[0].lazy);
  for (auto bad : {"UID FETCH 1 FLAGS (VANISHED)", "FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)",
                   "FETCH 1 FLAGS (CHANGEDSINCE)", "FETCH 1 FLAGS (CHANGEDSINCE x)",
                   "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)", "FETCH 1 FLAGS (FOO)",
                   "FETCH 1 FLAGS CHANGEDSINCE 5", "FETCH 1 PREVIEW (FOO)"}) {
    CAPTURE(bad);
    CHECK_FALSE(refusal(bad).empty());
  }
}

TEST_CASE("bad FETCH") {
  for (auto bad : {"",
                   "()",
                   "FOO",
                   "(FLAGS",
                   "(FLAGS,UID)",
                   "(FLAGS  UID)",
                   "( FLAGS)",
                   "FLAGS UID",
                   "((FLAGS))",
                   "(FLAGS (UID))",
                   "BODY[",
                   "BODY[1",
                   "BODY[0]",
                   "BODY[1.0]",
                   "BODY[.1]",
                   "BODY[1.]",
                   "BODY[1..2]",
                   "BODY[4294967296]",
                   "BODY[MIME]",
                   "BODY[FOO]",
                   "BODY[TEXT.1]",
                   "BODY[HEADER.FIELDS]",
                   "BODY[HEADER.FIELDS ()]",
                   "BODY[HEADER.FIELDS DATE]",
                   "BODY[HEADER.FIELDS (\"\")]",
                   "BODY[HEADER.FIELDS (\"a\tb\")]",
                   "BODY[HEADER (DATE)]",
                   "BODY[ ]",
                   "BODY[]<",
                   "BODY[]<0>",
                   "BODY[]<0.0>",
                   "BODY[]<0.5",
                   "BODY[]<-1.5>",
                   "BODY[]<0.-5>",
                   "BODY[]<9223372036854775808.1>",
                   "BODY[]x",
                   "BODY.PEEK",
                   "FLAGS[]",
                   "BODYSTRUCTURE[1]",
                   "RFC822.PEEK"}) {
    CAPTURE(bad);
    CHECK_FALSE(fetch_refusal(bad).empty());
  }
  CHECK(fetch_refusal("(X-GM-MSGID)") == "bad FETCH item X-GM-MSGID");
  CHECK_FALSE(refusal("FETCH").empty());
  CHECK_FALSE(refusal("FETCH 1").empty());
  CHECK_FALSE(refusal("FETCH FLAGS").empty());
}

TEST_CASE("limits of FETCH") {
  std::string part = "BODY[1";
  for (std::size_t i = 1; i < max_part_depth; ++i) part += ".1";
  CHECK(one(part + "]").section.part.size() == max_part_depth);
  CHECK_FALSE(fetch_refusal(part + ".1]", Errc::over_limit).empty());

  std::string fields = "BODY[HEADER.FIELDS (a";
  for (std::size_t i = 1; i < max_header_fields; ++i) fields += " a";
  CHECK(one(fields + ")]").section.fields.size() == max_header_fields);
  CHECK_FALSE(fetch_refusal(fields + " a)]", Errc::over_limit).empty());

  std::string list = "(BODY[1]";
  for (std::size_t i = 2; i <= max_fetch_items; ++i) list += " BODY[" + std::to_string(i) + "]";
  CHECK(items(list + ")").size() == max_fetch_items);
  CHECK(items(list + " BODY[7])").size() == max_fetch_items);
  CHECK(fetch_refusal(list + " FLAGS)", Errc::over_limit) == "too many FETCH items");
}
