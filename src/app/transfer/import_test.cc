// Import and export against a real installation.
#include "app/test_installation.h"
#include "app/transfer/exporter.h"
#include "app/transfer/importer.h"
#include "store/expunge.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::app;
using namespace std::string_literals;
using test::Folder;
using test::TestInstallation;

namespace {

Time at(std::int64_t seconds) {
  return Time(std::chrono::seconds(seconds));
}

struct Fixture {
  TestInstallation in;
  directory::Account account;
  NoProgress progress;
  Folder folder;
  Fixture() {
    in.add_domain();
    account = in.add_account("hana@example.jp");
  }
  transfer::ImportTarget target(std::string mailbox = "INBOX") {
    return {.account_id = account.id, .mailbox = std::move(mailbox), .quota = {}};
  }
  transfer::ImportCounts import_mbox(const std::string& path, std::string mailbox = "INBOX") {
    auto counts = transfer::import_mbox(*in, target(std::move(mailbox)), path, progress);
    REQUIRE_MESSAGE(counts.has_value(), counts.error().text);
    return *counts;
  }
  transfer::ImportCounts import_maildir(const std::string& path) {
    auto counts = transfer::import_maildir(*in, target(), path, progress);
    REQUIRE_MESSAGE(counts.has_value(), counts.error().text);
    return *counts;
  }
};

const transfer::Marks marked{.flags = store::flag_seen | store::flag_answered,
                             .keywords = "$forwarded work",
                             .internal_date = at(1'700'000'001)};

// Bytes that survive a Maildir exactly, and an mbox but for the last.
const std::vector<std::string> odd = {
    "Subject: plain\r\n\r\nbody\r\n",
    "From me\r\n>From me\r\n\r\nFrom x\r\n.\r\n",
    "Subject: \xE5\xB1\x8A\r\n\r\n\x00\xFF\x80\x1B$B\r\n"s,
    "Subject: large\r\n\r\n" + std::string(600'000, 'x') + "\r\n",
    "\r\nno header\r\n",
    "Subject: no last line end\r\n\r\nend",
};

}  // namespace

TEST_CASE("a Maildir is exported and imported: bytes, flags, dates, folders") {
  Fixture from, to;
  REQUIRE(block_on(from.in->store().create_mailbox(from.account.id, {.name = "仕事/請求書"})));
  for (const auto& bytes : odd) from.in.add_message(from.account.id, "INBOX", bytes, marked);
  from.in.add_message(from.account.id, "仕事/請求書", odd[0], {.internal_date = at(5)});
  for (auto ends : {transfer::LineEnds::lf, transfer::LineEnds::crlf}) {
    auto path = from.folder / (ends == transfer::LineEnds::lf ? "lf" : "crlf");
    auto all = block_on(from.in->store().mailboxes(from.account.id, false));
    auto written =
        transfer::export_maildir(*from.in, from.account.id, all, path, ends, from.progress);
    REQUIRE_MESSAGE(written.has_value(), written.error().text);
    CHECK(*written == static_cast<std::int64_t>(odd.size()) + 1);
    auto again =
        transfer::export_maildir(*from.in, from.account.id, all, path, ends, from.progress);
    CHECK(again.error().code == Errc::conflict);
  }
  CHECK(to.import_maildir(from.folder / "crlf").imported ==
        static_cast<std::int64_t>(odd.size()) + 1);
  auto messages = to.in.messages(to.account.id, "INBOX");
  REQUIRE(messages.size() == odd.size());
  for (const auto& message : messages) {
    CHECK(std::ranges::find(odd, message.bytes) != odd.end());
    CHECK(message.image.flags == marked.flags);
    CHECK(message.image.keywords == marked.keywords);
    CHECK(message.image.internal_date == marked.internal_date);
  }
  auto bill = to.in.messages(to.account.id, "仕事/請求書");
  REQUIRE(bill.size() == 1);
  CHECK(bill[0].bytes == odd[0]);
  CHECK(bill[0].image.flags == 0);
  CHECK(bill[0].image.internal_date == at(5));

  Fixture unix_ends;
  unix_ends.import_maildir(from.folder / "lf");
  for (const auto& message : unix_ends.in.messages(unix_ends.account.id, "INBOX"))
    CHECK(std::ranges::find(odd, message.bytes) != odd.end());
}

TEST_CASE("a Maildir of another server") {
  Fixture f;
  test::write_file(f.folder / "M/new/1700000000.a.host", "Subject: new\n\nfresh\n");
  test::write_file(f.folder / "M/cur/1700000001.b.host:2,FS", "Subject: old\n\nread\n");
  std::filesystem::create_directories(f.folder / "M/tmp");
  test::write_file(f.folder / "M/.&kAFP4W4IMH8-/cur/1.c:2,", "Subject: sent\n\nx\n");
  std::filesystem::create_directories(f.folder / "M/.&kAFP4W4IMH8-/new");
  auto counts = f.import_maildir(f.folder / "M");
  CHECK(counts.imported == 3);
  auto messages = f.in.messages(f.account.id, "INBOX");
  REQUIRE(messages.size() == 2);
  CHECK(messages[0].bytes == "Subject: new\r\n\r\nfresh\r\n");
  CHECK(messages[0].image.flags == 0);
  CHECK(messages[1].image.flags == (store::flag_flagged | store::flag_seen));
  // The account's own mailbox of that name, which is 送信済み.
  CHECK(f.in.messages(f.account.id, "送信済み").size() == 1);

  // Again, after flags changed there: nothing twice; one more is taken.
  std::filesystem::rename(f.folder / "M/new/1700000000.a.host",
                          f.folder / "M/cur/1700000000.a.host:2,S");
  test::write_file(f.folder / "M/new/1700000009.z.host", "Subject: later\n\n");
  counts = f.import_maildir(f.folder / "M");
  CHECK(counts.imported == 1);
  CHECK(counts.known == 3);
}

TEST_CASE("mbox, again and again") {
  Fixture f;
  std::string two =
      "From a@b Thu Nov 20 10:00:00 2025\nStatus: RO\nSubject: same\n\nx\n\n"
      "From a@b Thu Nov 20 10:00:00 2025\nStatus: O\nSubject: same\n\nx\n\n";
  test::write_file(f.folder / "box", two);
  auto counts = f.import_mbox(f.folder / "box");
  CHECK(counts.imported == 2);
  counts = f.import_mbox(f.folder / "box");
  CHECK(counts.imported == 0);
  CHECK(counts.known == 2);
  // The first was removed there and one was added: still nothing twice.
  test::write_file(f.folder / "box",
                   two.substr(two.size() / 2) + "From c Thu Nov 20 11:00:00 2025\nA: b\n\nnew\n");
  CHECK(f.import_mbox(f.folder / "box").imported == 1);
  auto messages = f.in.messages(f.account.id, "INBOX");
  REQUIRE(messages.size() == 3);
  CHECK(messages[0].bytes == "Subject: same\r\n\r\nx\r\n");
  CHECK(messages[0].image.flags == store::flag_seen);
  CHECK(messages[0].image.internal_date == at(1763632800));
  CHECK(messages[1].image.flags == 0);
  // What was deleted here does not come back.
  auto id = f.in.mailbox(f.account.id, "INBOX").id;
  std::uint32_t uids[] = {messages[0].image.uid};
  auto work = [&](sql::Tx& tx) {
    return store::expunge(tx, f.account.id, id, uids, 0, f.in->clock().now()).delta.gone.size();
  };
  REQUIRE(block_on(f.in->db().write(work)) == 1);
  CHECK(f.import_mbox(f.folder / "box").imported == 0);
}

TEST_CASE("mbox is exported and imported") {
  Fixture from, to;
  for (const auto& bytes : odd) from.in.add_message(from.account.id, "INBOX", bytes, marked);
  auto inbox = from.in.mailbox(from.account.id, "INBOX");
  auto path = from.folder / "out.mbox";
  REQUIRE(transfer::export_mbox(*from.in, from.account.id, inbox, path, from.progress));
  CHECK(to.import_mbox(path, "過去").imported == static_cast<std::int64_t>(odd.size()));
  auto messages = to.in.messages(to.account.id, "過去");
  REQUIRE(messages.size() == odd.size());
  for (std::size_t i = 0; i < odd.size(); ++i) {
    CHECK(messages[i].bytes == odd[i] + (i + 1 == odd.size() ? "\r\n" : ""));
    CHECK(messages[i].image.flags == marked.flags);
    CHECK(messages[i].image.keywords == marked.keywords);
    CHECK(messages[i].image.internal_date == marked.internal_date);
  }
}

TEST_CASE("an import stops at the quota and goes on when there is room") {
  Fixture f;
  std::string box;
  for (int i = 0; i < 5; ++i)
    box += "From a Thu Nov 20 10:00:00 2025\nN: " + std::to_string(i) + "\n\nbody\n\n";
  test::write_file(f.folder / "box", box);
  auto target = f.target();
  target.quota.account_bytes = 30;
  auto counts = transfer::import_mbox(*f.in, target, f.folder / "box", f.progress);
  REQUIRE(!counts.has_value());
  CHECK(counts.error().code == Errc::over_limit);
  CHECK(f.import_mbox(f.folder / "box").imported == 5);
}

TEST_CASE("what cannot be imported is said") {
  Fixture f;
  auto missing = transfer::import_mbox(*f.in, f.target(), f.folder / "none", f.progress);
  CHECK(missing.error().code == Errc::not_found);
  test::write_file(f.folder / "text", "hello\n");
  auto text = transfer::import_mbox(*f.in, f.target(), f.folder / "text", f.progress);
  CHECK(text.error().code == Errc::invalid);
  f.progress.cancel();
  test::write_file(f.folder / "box", "From a Thu Nov 20 10:00:00 2025\nN: 1\n\n");
  auto stopped = transfer::import_mbox(*f.in, f.target(), f.folder / "box", f.progress);
  CHECK(stopped.error().code == Errc::unavailable);
}
