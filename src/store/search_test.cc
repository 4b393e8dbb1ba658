#include "store/search.h"

#include "base/encoding.h"
#include "blob/segment_store.h"
#include "mime/structure.h"
#include "store/append.h"
#include "store/store.h"

#include <doctest/doctest.h>
#include <unicode/ucnv.h>

#include <utility>

using namespace todoke;
using namespace todoke::store;
using namespace std::chrono_literals;
using Kind = imap::SearchKey::Kind;
using Indexes = std::vector<std::size_t>;

namespace {

// A mailbox in memory to be searched.
struct Fixture {
  static constexpr std::int64_t account = 7;

  Fixture() {
    auto work = [&](sql::Tx& tx) { create_mail_account(tx, account, 3, "ja", clock.now()); };
    block_on(db->write(work));
  }

  blob::Location put(std::string_view text) {
    auto writer = blobs->create();
    REQUIRE(writer->append(text));
    auto at = writer->finish({});
    REQUIRE(at);
    return *at;
  }

  // A message received now; `unparsed`: without a structure and an envelope that make sense.
  Placed add(std::string_view text, unsigned flags = 0, std::vector<std::string> keywords = {},
             bool unparsed = false) {
    auto structure = mime::parse_structure(text);
    Parsed parsed{encode(structure.envelope), encode(structure), "preview"};
    if (unparsed) parsed = {"envelope", "structure", "preview"};
    std::vector<Appended> message{
        {put(text), std::move(parsed), flags, std::move(keywords), clock.now()}};
    auto placed = block_on(open().append(std::move(message), {}));
    REQUIRE(placed);
    return placed->front();
  }

  Mailbox open() {
    constexpr Rights all = right_read | right_insert | right_expunge | right_flags;
    auto opened = block_on(store.open({.account_id = account}, inbox_id, all));
    REQUIRE(opened);
    return *opened;
  }

  Result<Indexes> try_find(imap::SearchKey key) {
    SearchContext context{view(), saved, clock.now()};
    return block_on(search(open(), std::move(key), std::move(context)));
  }
  Indexes find(imap::SearchKey key) {
    auto found = try_find(std::move(key));
    REQUIRE(found);
    return *found;
  }
  bool has(imap::SearchKey key) { return !find(std::move(key)).empty(); }

  // The latest, unless a test keeps an older one.
  std::shared_ptr<const View> view() { return kept ? kept : block_on(open().live()->latest()); }

  void write(sql::Sql statement) {
    auto work = [&](sql::Tx& tx) { tx.run(statement); };
    block_on(db->write(work));
  }

  SimulatedClock clock{Time(std::chrono::sys_days(2026y / 4 / 10) + 23h)};
  IdGenerator ids{clock};
  WorkerPool pool{2};
  std::unique_ptr<blob::Store> blobs = blob::open_memory();
  std::unique_ptr<sql::Db> db = sql::open_memory();
  Hub hub;
  Store store{*db, *blobs, clock, ids, pool, hub};
  std::vector<std::uint32_t> saved;
  std::shared_ptr<const View> kept;
};

imap::SearchKey key(Kind kind) {
  return {.kind = kind};
}
imap::SearchKey text(std::string words) {
  return {.kind = Kind::text, .text = std::move(words)};
}
imap::SearchKey body(std::string words) {
  return {.kind = Kind::body, .text = std::move(words)};
}
imap::SearchKey header(std::string field, std::string words) {
  return {.kind = Kind::header, .field = std::move(field), .text = std::move(words)};
}
imap::SearchKey subject(std::string words) {
  return header("subject", std::move(words));
}
imap::SearchKey flag(std::string name) {
  return {.kind = Kind::flag, .text = std::move(name)};
}
imap::SearchKey number(Kind kind, std::uint64_t n) {
  return {.kind = kind, .number = n};
}
imap::SearchKey day(Kind kind, std::chrono::sys_days date) {
  return {.kind = kind, .date = date};
}
imap::SearchKey id(Kind kind, std::int64_t n) {
  return {.kind = kind, .text = id_text(n)};
}
imap::SearchKey set(Kind kind, std::vector<imap::SequenceSet::Range> ranges) {
  return {.kind = kind, .set = {.ranges = std::move(ranges)}};
}
imap::SearchKey negated(imap::SearchKey child) {
  imap::SearchKey made{.kind = Kind::negated};
  made.children.push_back(std::move(child));
  return made;
}
imap::SearchKey group(Kind kind, imap::SearchKey one, imap::SearchKey other) {
  imap::SearchKey made{.kind = kind};
  made.children.push_back(std::move(one));
  made.children.push_back(std::move(other));
  return made;
}

std::string in_charset(const char* charset, std::string_view utf8) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out(utf8.size() * 4 + 16, '\0');
  auto size = ucnv_convert(charset, "UTF-8", out.data(), static_cast<std::int32_t>(out.size()),
                           utf8.data(), static_cast<std::int32_t>(utf8.size()), &error);
  REQUIRE(U_SUCCESS(error));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string mail(std::string_view type, std::string_view encoding, std::string_view content) {
  return "From: a@example.jp\r\nContent-Type: " + std::string(type) +
         "\r\nContent-Transfer-Encoding: " + std::string(encoding) + "\r\n\r\n" +
         std::string(content);
}

constexpr auto today = std::chrono::sys_days(2026y / 4 / 10);

TEST_CASE("search: flags, keywords and numbers need no message") {
  Fixture f;
  auto first = f.add("Subject: one\r\n\r\n1\r\n", flag_seen | flag_draft);
  f.add("Subject: two\r\n\r\n22\r\n", flag_answered, {"$Work", "later"});
  auto third = f.add("Subject: three\r\n\r\n333\r\n", flag_deleted | flag_flagged);

  CHECK(f.find(key(Kind::all)) == Indexes{0, 1, 2});
  CHECK(f.find(key(Kind::none)).empty());
  CHECK(f.find({.kind = Kind::both}) == Indexes{0, 1, 2});
  CHECK(f.find(flag("\\Seen")) == Indexes{0});
  CHECK(f.find(flag("\\draft")) == Indexes{0});
  CHECK(f.find(flag("\\Answered")) == Indexes{1});
  CHECK(f.find(flag("\\Deleted")) == Indexes{2});
  CHECK(f.find(flag("\\Flagged")) == Indexes{2});
  CHECK(f.find(flag("\\Recent")).empty());
  CHECK(f.find(negated(flag("\\Seen"))) == Indexes{1, 2});
  CHECK(f.find(flag("$WORK")) == Indexes{1});
  CHECK(f.find(flag("later")) == Indexes{1});
  CHECK(f.find(flag("late")).empty());
  CHECK(f.find(number(Kind::larger, 19)) == Indexes{1, 2});
  CHECK(f.find(number(Kind::smaller, 20)) == Indexes{0});
  CHECK(f.find(number(Kind::mod_seq, static_cast<std::uint64_t>(third.modseq))) == Indexes{2});
  CHECK(f.find(number(Kind::mod_seq, static_cast<std::uint64_t>(first.modseq))) ==
        Indexes{0, 1, 2});
  auto second = block_on(f.open().facts({{2, (*f.view())[1]->message_id}}, fact_thread)).front();
  CHECK(f.find(id(Kind::email_id, second.blob_id)) == Indexes{1});
  CHECK(f.find(key(Kind::save_date_supported)) == Indexes{0, 1, 2});
}

TEST_CASE("search: sequence sets, UIDs and the saved result") {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.add("\r\n");
  REQUIRE(block_on(f.open().expunge({2})) == 1);
  CHECK(f.find(set(Kind::sequence, {{2, 3}})) == Indexes{1, 2});
  CHECK(f.find(set(Kind::sequence, {{0, 0}})) == Indexes{3});
  CHECK(f.find(set(Kind::sequence, {{9, 0}})) == Indexes{3});
  CHECK(f.find(set(Kind::sequence, {{4, 3}, {1, 1}})) == Indexes{0, 2, 3});
  CHECK(f.find(set(Kind::uid, {{1, 3}})) == Indexes{0, 1});
  CHECK(f.find(set(Kind::uid, {{0, 100}})) == Indexes{3});
  CHECK(f.find(negated(set(Kind::uid, {{2, 4}}))) == Indexes{0, 3});

  f.saved = {2, 3, 4};
  for (auto kind : {Kind::sequence, Kind::uid})
    CHECK(f.find({.kind = kind, .set = {.saved_result = true}}) == Indexes{1, 2});
  f.saved.clear();
  CHECK(f.find({.kind = Kind::uid, .set = {.saved_result = true}}).empty());
}

TEST_CASE("search: dates") {
  Fixture f;
  f.add("Date: Fri, 10 Apr 2026 01:30:00 +0900\r\n\r\n");
  f.clock.advance(2h);
  f.add("Subject: no date\r\n\r\n");
  f.add("Date: not one\r\n\r\n");
  f.add("Date: Thu, 9 Apr 2026 23:00:00 -0700\r\n\r\n", 0, {}, true);

  CHECK(f.find(day(Kind::on, today)) == Indexes{0});
  CHECK(f.find(day(Kind::since, today)) == Indexes{0, 1, 2, 3});
  CHECK(f.find(day(Kind::since, today + std::chrono::days(1))) == Indexes{1, 2, 3});
  CHECK(f.find(day(Kind::before, today + std::chrono::days(1))) == Indexes{0});
  CHECK(f.find(day(Kind::saved_on, today)) == Indexes{0});
  CHECK(f.find(day(Kind::saved_since, today + std::chrono::days(1))) == Indexes{1, 2, 3});
  CHECK(f.find(day(Kind::saved_before, today + std::chrono::days(1))) == Indexes{0});

  // Days as they were written, whatever they are in UTC; the last one's envelope is not readable.
  CHECK(f.find(day(Kind::sent_on, today)) == Indexes{0});
  CHECK(f.find(day(Kind::sent_on, today - std::chrono::days(1))) == Indexes{3});
  CHECK(f.find(day(Kind::sent_before, today)) == Indexes{3});
  CHECK(f.find(day(Kind::sent_since, today)) == Indexes{0});
  CHECK(f.find(negated(day(Kind::sent_since, today))) == Indexes{1, 2, 3});

  f.clock.advance(10s);
  CHECK(f.find(number(Kind::younger, 10)) == Indexes{1, 2, 3});
  CHECK(f.find(number(Kind::older, 10)) == Indexes{0, 1, 2, 3});
  CHECK(f.find(number(Kind::older, 11)) == Indexes{0});
  CHECK(f.find(number(Kind::younger, ~std::uint64_t{0})) == Indexes{0, 1, 2, 3});

  auto facts = block_on(f.open().facts({{1, (*f.view())[0]->message_id}}, fact_thread));
  CHECK(f.find(id(Kind::thread_id, facts.front().thread_id)) == Indexes{0});
}

TEST_CASE("search: header fields") {
  Fixture f;
  f.add(
      "From: =?iso-2022-jp?B?GyRCOzNFRBsoQg==?= (Team) <yamada@example.jp>\r\n"
      "Subject: Weekly\r\n\treport\r\n"
      "Subject: second\r\n"
      "X-Empty:\r\n"
      "\r\nSubject: body\r\n");
  f.add("To: B@Example.JP\r\nCc: c@example.jp\r\n\r\nweekly\r\n");
  CHECK(f.find(subject("weekly REPORT")) == Indexes{0});
  CHECK(f.find(subject("second")) == Indexes{0});
  CHECK(f.find(subject("body")).empty());
  CHECK(f.find(subject("port sec")).empty());
  CHECK(f.find(header("from", "山田")) == Indexes{0});
  CHECK(f.find(header("from", "(team)")) == Indexes{0});
  CHECK(f.find(header("to", "b@example")) == Indexes{1});
  CHECK(f.find(header("cc", "b@example")).empty());
  CHECK(f.find(header("x-empty", "")) == Indexes{0});
  CHECK(f.find(header("x-empty", "a")).empty());
  CHECK(f.find(header("cc", "")) == Indexes{1});
  CHECK(f.find(negated(header("x-empty", ""))) == Indexes{1});
}

TEST_CASE("search: encoded words, cut within characters") {
  Fixture f;
  // 届け物 in UTF-8 is E5 B1 8A, E3 81 91, E7 89 A9.
  f.add("Subject: =?UTF-8?B?" + base64_encode("届\xE3\x81") + "?=\r\n =?UTF-8?B?" +
        base64_encode("\x91物") + "?=\r\n\r\n");
  f.add("Subject: =?utf-8?Q?=E5=B1=8A=E3?=\r\n =?utf-8?Q?=81=91=E7=89=A9?=\r\n\r\n");
  f.add("Subject: =?ISO-2022-JP?B?" + base64_encode(in_charset("ISO-2022-JP", "届け物")) +
        "?=\r\n\r\n");
  f.add("Subject: =?Shift_JIS?B?" + base64_encode(in_charset("Shift_JIS", "届け物")) +
        "?=\r\n\r\n");
  CHECK(f.find(subject("届け物")) == Indexes{0, 1, 2, 3});
  CHECK(f.find(text("届け")) == Indexes{0, 1, 2, 3});
  CHECK(f.find(body("届け")).empty());
}

TEST_CASE("search: Japanese bodies in every charset of mail") {
  Fixture f;
  constexpr std::string_view words = "明日の会議はカタカナで。\r\n";
  auto jis = in_charset("ISO-2022-JP", words);
  auto sjis = in_charset("Shift_JIS", words);
  auto euc = in_charset("EUC-JP", words);
  f.add(mail("text/plain; charset=ISO-2022-JP", "7bit", jis));
  f.add(mail("text/plain; charset=Shift_JIS", "8bit", sjis));
  f.add(mail("text/plain; charset=EUC-JP", "8bit", euc));
  f.add(mail("text/plain; charset=UTF-8", "base64", base64_encode(words)));
  f.add(mail("text/html; charset=\"utf-8\"", "quoted-printable",
             "=E6=98=8E=\r\n=E6=97=A5=E3=81=AE=E4=BC=\r\n=9A=E8=AD=B0=E3=81=AF"
             "=E3=82=AB=E3=82=BF=E3=82=AB=E3=83=8A=E3=81=A7=E3=80=82"));
  f.add(mail("text/plain", "7bit", jis));  // nothing declared
  f.add(mail("text/plain; charset=UTF-8", "8bit", "明日の会議はｶﾀｶﾅで。"));
  CHECK(f.find(body("会議はカタカナ")) == Indexes{0, 1, 2, 3, 4, 5, 6});
  CHECK(f.find(body("会議はｶﾀｶﾅ")) == Indexes{0, 1, 2, 3, 4, 5, 6});
  CHECK(f.find(text("明日")) == Indexes{0, 1, 2, 3, 4, 5, 6});
  CHECK(f.find(body("会議室")).empty());
}

TEST_CASE("search: what is the text of a message") {
  Fixture f;
  f.add(
      "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "preamble\r\n--b\r\n\r\nHello  MIXED\r\n case\r\n"
      "--b\r\nContent-Type: application/pdf; name=\"=?utf-8?B?" +
      base64_encode("請求書") +
      "?=.pdf\"\r\n\r\nattached words\r\n"
      "--b\r\nContent-Type: message/rfc822\r\n\r\n"
      "Subject: =?utf-8?B?" +
      base64_encode("転送") +
      "?=\r\n\r\ninner words\r\n"
      "--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; x@y\r\n"
      "--b--\r\nepilogue\r\n");
  CHECK(f.has(body("hello mixed case")));
  CHECK(f.has(body("転送")));
  CHECK(f.has(body("inner words")));
  CHECK(f.has(body("recipient: RFC822")));
  CHECK(f.has(text("outer")));
  CHECK(f.has(text("subject: outer")));
  CHECK(f.has(text("inner")));
  CHECK(f.has(text("請求書.pdf")));
  CHECK_FALSE(f.has(body("請求書")));
  CHECK_FALSE(f.has(body("outer")));
  CHECK_FALSE(f.has(text("attached")));
  CHECK_FALSE(f.has(body("preamble")));
  CHECK_FALSE(f.has(body("epilogue")));
  // Two parts are two texts.
  CHECK_FALSE(f.has(body("case transfer")));
  CHECK(f.has(body("")));
  CHECK(f.has(text("mixed \r\n\tCASE")));
  CHECK(f.has(group(Kind::both, body("hello"), text("outer"))));
  CHECK_FALSE(f.has(group(Kind::both, body("hello"), body("outer"))));
}

TEST_CASE("search: text at the borders of what is read at once") {
  Fixture f;
  constexpr std::size_t border = 256 * 1024;
  const std::string head = "Subject: long\r\n\r\n";
  for (std::size_t back : {1u, 3u, 7u, 11u}) {
    std::string content(border - back, '.');
    content += "needle here 届け";
    content += std::string(border, '.');
    f.add(head + content + "last words");
    std::string encoded(base64_encode(content + "last words"));
    f.add(mail("text/plain; charset=utf-8", "base64", encoded));
  }
  Indexes every{0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(f.find(body("NEEDLE HERE 届け")) == every);
  CHECK(f.find(body("last words")) == every);
  CHECK(f.find(negated(body("needles"))) == every);
}

TEST_CASE("search: conditions within conditions") {
  Fixture f;
  f.add("Subject: a\r\n\r\nx y\r\n", flag_seen);
  f.add("Subject: b\r\n\r\nx\r\n");
  f.clock.advance(24h);
  f.add("Subject: b\r\n\r\ny\r\n", flag_seen);
  CHECK(f.find(group(Kind::either, subject("a"), body("y"))) == Indexes{0, 2});
  CHECK(f.find(group(Kind::both, negated(subject("a")), negated(body("y")))) == Indexes{1});
  CHECK(f.find(negated(group(Kind::either, body("x"), flag("\\Seen")))).empty());
  CHECK(f.find(negated(group(Kind::both, body("x"), flag("\\Seen")))) == Indexes{1, 2});
  CHECK(f.find(group(Kind::either, flag("\\Seen"), body("x"))) == Indexes{0, 1, 2});
  CHECK(f.find(group(Kind::either, day(Kind::on, today + std::chrono::days(1)), body("x y"))) ==
        Indexes{0, 2});
  CHECK(f.find(negated(negated(group(Kind::either, day(Kind::sent_on, today), body("x"))))) ==
        Indexes{0, 1});
}

TEST_CASE("search: many messages, with all workers") {
  Fixture f;
  std::vector<Appended> messages;
  for (int i = 0; i < 2500; ++i) {
    auto words = "Subject: " + std::to_string(i) + "\r\n\r\nnumber <" + std::to_string(i) + ">\r\n";
    auto structure = mime::parse_structure(words);
    messages.push_back(
        {f.put(words), {encode(structure.envelope), encode(structure), ""}, 0, {}, {}});
  }
  REQUIRE(block_on(f.open().append(std::move(messages), {})));
  CHECK(f.find(body("number <2499>")) == Indexes{2499});
  CHECK(f.find(body("number <1")).size() == 1 + 10 + 100 + 1000);
  CHECK(f.find(group(Kind::either, subject("1024"), body("<1023>"))) == Indexes{1023, 1024});
}

TEST_CASE("search: a message without structure is searched as it stands") {
  Fixture f;
  f.add("Subject: a\r\nX: y\r\n\r\nraw words\r\n", 0, {}, true);
  f.add("no header here\r\n", 0, {}, true);
  CHECK(f.find(subject("a")) == Indexes{0});
  CHECK(f.find(body("raw words")) == Indexes{0});
  CHECK(f.find(body("subject")).empty());
  CHECK(f.find(text("subject")) == Indexes{0});
  CHECK(f.find(body("no header")) == Indexes{1});
}

TEST_CASE("search: of what is gone or corrupt nothing is known, nor of its opposite") {
  Fixture f;
  f.add("Subject: a\r\n\r\nwords\r\n", flag_seen);
  f.add("Subject: b\r\n\r\nwords\r\n", flag_seen);
  f.add("Subject: c\r\n\r\nwords\r\n", flag_seen);
  f.kept = f.view();
  f.write("delete from message where id = (select min(id) from message)");
  f.write("update blob set position = position + 1 where id = (select max(id) from blob)");
  for (const auto& found : {f.find(body("words")), f.find(negated(body("none"))),
                            f.find(header("subject", "")), f.find(negated(subject("x")))})
    CHECK(found == Indexes{1});
  CHECK(f.find(day(Kind::on, today)) == Indexes{1, 2});
  CHECK(f.find(negated(day(Kind::before, today))) == Indexes{1, 2});
  // What the view knows still counts.
  CHECK(f.find(group(Kind::either, body("words"), flag("\\Seen"))) == Indexes{0, 1, 2});
  CHECK(f.find(set(Kind::uid, {{1, 2}})) == Indexes{0, 1});
}

TEST_CASE("search: what asks for too much is refused") {
  Fixture f;
  f.add("\r\n");
  imap::SearchKey many{.kind = Kind::both};
  for (int i = 0; i < 101; ++i) many.children.push_back(body("word " + std::to_string(i)));
  auto refused = f.try_find(many);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::too_many);
  many.children.pop_back();
  CHECK(f.try_find(many));
  CHECK(f.try_find(body(std::string(64 * 1024, 'a'))));
  CHECK_FALSE(f.try_find(body(std::string(64 * 1024 + 1, 'a'))));
  auto deep = key(Kind::all);
  for (int i = 0; i < 101; ++i) deep = negated(std::move(deep));
  CHECK_FALSE(f.try_find(deep));
  CHECK(f.try_find(deep.children.front()));
  many.children.assign(2000, key(Kind::all));
  CHECK_FALSE(f.try_find(many));
}

}  // namespace
