#include "store/store.h"

#include "blob/memory_files.h"
#include "blob/segment_store.h"
#include "store/append.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::store;
using namespace std::chrono_literals;

namespace {

// One installation in memory with one account.
struct Fixture {
  static constexpr std::int64_t account = 7;
  static constexpr std::int64_t organisation = 3;

  Fixture() { add_account(account, organisation); }

  void add_account(std::int64_t id, std::int64_t of) {
    auto work = [&](sql::Tx& tx) { create_mail_account(tx, id, of, "ja", clock.now()); };
    block_on(db->write(work));
  }

  Result<Placed> deliver(std::string_view text, Identity identity = {},
                         std::int64_t mailbox = inbox_id, Quota quota = {},
                         std::int64_t to = account) {
    auto writer = blobs->create();
    REQUIRE(writer->append(text));
    auto at = writer->finish({});
    REQUIRE(at);
    NewMessage message{.id = ids.next(),
                       .blob_id = ids.next(),
                       .size = static_cast<std::int64_t>(text.size()),
                       .internal_date = clock.now(),
                       .received_at = clock.now(),
                       .origin = "smtp",
                       .parsed = &parsed,
                       .identity = std::move(identity)};
    auto work = [&](sql::Tx& tx) -> Result<Placed> {
      TRY(auto placed, append(tx, to, mailbox, message, quota));
      insert_blob(tx, message.blob_id, *at, 1);
      return placed;
    };
    return block_on(db->write(work));
  }

  Mailbox open(std::int64_t mailbox = inbox_id) {
    constexpr Rights all = right_read | right_insert | right_expunge | right_flags;
    auto opened = block_on(store.open({.account_id = account}, mailbox, all));
    REQUIRE(opened);
    return *opened;
  }

  // What the organisation's row says, and whether it is the sum of its accounts.
  std::pair<std::int64_t, std::int64_t> organisation_use(std::int64_t id = organisation) {
    auto query = [&](sql::Tx& tx) {
      return std::pair(
          tx.first<std::int64_t, std::int64_t>("select used_bytes, message_count from "
                                               "mail_organisation where organisation_id = $1",
                                               id),
          tx.first<std::int64_t, std::int64_t>(
              "select coalesce(sum(used_bytes), 0), coalesce(sum(message_count), 0) "
              "from mail_account where organisation_id = $1",
              id));
    };
    auto [counted, summed] = block_on(db->read(query));
    CHECK(counted == summed);
    return {std::get<0>(*counted), std::get<1>(*counted)};
  }

  MailboxInfo inbox() { return block_on(store.mailboxes(account, false)).front(); }

  SimulatedClock clock{Time(std::chrono::years(56))};
  IdGenerator ids{clock};
  WorkerPool pool{1};
  std::unique_ptr<blob::Store> blobs = blob::open_memory();
  std::unique_ptr<sql::Db> db = sql::open_memory();
  Hub hub;
  Store store{*db, *blobs, clock, ids, pool, hub};
  Parsed parsed{"envelope", "structure", "preview"};
};

std::vector<std::uint32_t> uids_of(const View& view) {
  std::vector<std::uint32_t> uids;
  for (std::size_t i = 0; i < view.size(); ++i) uids.push_back(view[i]->uid);
  return uids;
}

TEST_CASE("store: a live view knows what every door did") {
  Fixture f;
  for (int i = 0; i < 5; ++i) REQUIRE(f.deliver("mail"));
  auto box = f.open();
  auto live = box.live();
  CHECK_FALSE(live->cached());
  auto first = block_on(live->latest());
  CHECK(uids_of(*first) == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
  CHECK(live->cached() == first);
  CHECK(f.open().live() == live);

  auto seen =
      block_on(box.change_flags({{2, 3}}, {FlagChange::How::add, flag_seen, {"$Work"}}, {}));
  REQUIRE(seen);
  CHECK(seen->delta.placed.size() == 2);
  auto view = live->cached();
  CHECK((*view)[1]->flags == flag_seen);
  CHECK((*view)[1].keywords == "$Work");
  CHECK((*view)[0]->flags == 0);
  CHECK(view->highestmodseq() == seen->modseq);
  CHECK(f.inbox().unseen_count == 3);

  // The same again changes nothing, and the keyword keeps its first spelling.
  auto again = block_on(box.change_flags({{2, 3}}, {FlagChange::How::add, 0, {"$work"}}, {}));
  CHECK(again->delta.placed.empty());
  auto late = block_on(box.change_flags({{1, 5}}, {FlagChange::How::remove, flag_seen, {"$WORK"}},
                                        seen->modseq - 1));
  CHECK(late->modified == std::vector<std::uint32_t>{2, 3});
  CHECK(late->delta.placed.empty());

  CHECK(block_on(box.expunge({1, 2, 3}, flag_seen)) == 2);
  CHECK(uids_of(*live->cached()) == std::vector<std::uint32_t>{1, 4, 5});
  CHECK(uids_of(*first) == std::vector<std::uint32_t>{1, 2, 3, 4, 5});
  CHECK(block_on(box.vanished_since(seen->modseq)) == std::vector<std::uint32_t>{2, 3});
  // A change that comes without details makes it read the mailbox again.
  REQUIRE(f.deliver("mail"));
  f.hub.publish({.account_id = f.account, .mailbox_id = inbox_id});
  CHECK_FALSE(live->cached());
  CHECK(uids_of(*block_on(live->latest())) == std::vector<std::uint32_t>{1, 4, 5, 6});
}

TEST_CASE("store: copies share the body, moves keep the message, and the counters are right") {
  Fixture f;
  for (int i = 0; i < 4; ++i) REQUIRE(f.deliver("12345678"));
  auto inbox = f.open();
  auto archive = f.open(6);
  REQUIRE(block_on(inbox.change_flags(
      {{1, 1}}, {FlagChange::How::replace, flag_seen | flag_flagged, {"a"}}, {})));
  auto here = inbox.live(), there = archive.live();
  auto before = block_on(here->latest());
  block_on(there->latest());

  auto copied = block_on(inbox.copy_to(archive, {{1, 2}}, {}));
  REQUIRE(copied);
  CHECK(copied->uids == std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 1}, {2, 2}});
  CHECK(f.organisation_use() == std::pair<std::int64_t, std::int64_t>{48, 6});
  CHECK(uids_of(*here->cached()).size() == 4);
  auto view = there->cached();
  REQUIRE(view->size() == 2);
  CHECK((*view)[0]->flags == (flag_seen | flag_flagged));
  CHECK((*view)[0].keywords == "a");
  CHECK((*view)[0]->message_id != (*before)[0]->message_id);

  auto moved = block_on(inbox.move_to(archive, {{3, 3}}));
  REQUIRE(moved);
  CHECK(uids_of(*here->cached()) == std::vector<std::uint32_t>{1, 2, 4});
  CHECK((*there->cached())[2]->message_id == (*before)[2]->message_id);
  CHECK(block_on(inbox.vanished_since(copied->modseq)) == std::vector<std::uint32_t>{3});
  CHECK(f.organisation_use() == std::pair<std::int64_t, std::int64_t>{48, 6});

  // Within one mailbox: to its end.
  REQUIRE(block_on(inbox.move_to(inbox, {{1, 1}})));
  CHECK(uids_of(*here->cached()) == std::vector<std::uint32_t>{2, 4, 5});
  CHECK(f.inbox().message_count == 3);
  CHECK(f.inbox().unseen_count == 2);

  // What does not fit is not begun.
  auto full = block_on(inbox.copy_to(archive, {{1, 9}}, {.account_bytes = 56}));
  REQUIRE_FALSE(full);
  CHECK(full.error().code == Errc::over_limit);
  CHECK(there->cached()->size() == 3);

  auto facts = block_on(archive.facts({{1, (*there->cached())[0]->message_id}, {9, 12345}},
                                      fact_body | fact_date | fact_saved));
  REQUIRE(facts.size() == 2);
  CHECK(facts[0].body.size == 8);
  CHECK(facts[0].saved_at == f.clock.now());
  CHECK_FALSE(facts[1].found);
}

}  // namespace

TEST_CASE("a new account has its mailboxes by locale") {
  Fixture f;
  auto boxes = block_on(f.store.mailboxes(f.account, false));
  REQUIRE(boxes.size() == 6);
  CHECK(boxes[0].name == "INBOX");
  CHECK(boxes[1].name == "送信済み");
  CHECK(boxes[1].role == store::Role::sent);
  CHECK(boxes[0].uidnext == 1);
}

TEST_CASE("what is appended is listed and read back") {
  Fixture f;
  auto first = f.deliver("one\r\n");
  auto second = f.deliver("second\r\n");
  REQUIRE((first && second));
  CHECK(first->uid == 1);
  CHECK(second->uid == 2);
  CHECK(second->modseq > first->modseq);
  CHECK(second->used_bytes == 13);
  auto box = f.open();
  auto drop = block_on(box.maildrop());
  REQUIRE(drop->entries().size() == 2);
  CHECK(drop->list_text() == "1 5\r\n2 8\r\n");
  CHECK(drop->total_size() == 13);
  auto uidl = drop->entries()[0].uidl(*drop);
  CHECK(uidl.size() == 13);
  CHECK(drop->uidl_text().starts_with("1 " + std::string(uidl) + "\r\n2 "));
  auto places = block_on(box.locate({drop->entries()[1].message_id, 12345}));
  CHECK(places[1].size == 0);
  CHECK(block_on(f.store.read(places[0], 0, 100)) == "second\r\n");
  CHECK(block_on(f.store.read(places[0], 3, 3)) == "ond");
}

TEST_CASE("a maildrop is read again only when the mailbox changed") {
  Fixture f;
  REQUIRE(f.deliver("one\r\n"));
  auto box = f.open();
  auto before = block_on(box.maildrop());
  CHECK(block_on(box.maildrop()) == before);
  REQUIRE(f.deliver("two\r\n"));
  auto after = block_on(box.maildrop());
  CHECK(after != before);
  CHECK(before->entries().size() == 1);
  CHECK(after->entries().size() == 2);
}

TEST_CASE("a migration sets UID, UIDL, order and size itself") {
  Fixture f;
  REQUIRE(
      f.deliver("a\r\n", {.uid = 100, .pop3_uidl = "UID9-123", .pop3_seq = 20, .pop3_size = 99}));
  REQUIRE(f.deliver("b\r\n", {.uid = 101, .pop3_uidl = "UID3-123", .pop3_seq = 10}));
  auto below = f.deliver("c\r\n", {.uid = 100});
  REQUIRE_FALSE(below);
  CHECK(below.error().code == Errc::invalid);
  auto next = f.deliver("d\r\n");
  REQUIRE(next);
  CHECK(next->uid == 102);
  auto drop = block_on(f.open().maildrop());
  CHECK(drop->uidl_text().starts_with("1 UID3-123\r\n2 UID9-123\r\n3 "));
  CHECK(drop->list_text() == "1 3\r\n2 99\r\n3 3\r\n");
  CHECK(f.inbox().message_count == 3);
}

TEST_CASE("RFC 1939 §11: the POP3 size counts the line end that POP3 adds") {
  Fixture f;
  REQUIRE(f.deliver("a\r\n\r\nb\r\n"));
  f.parsed.final_crlf = false;
  REQUIRE(f.deliver("a\r\n\r\nb"));
  REQUIRE(f.deliver("a\r\n\r\nb", {.pop3_size = 6}));
  auto drop = block_on(f.open().maildrop());
  CHECK(drop->list_text() == "1 8\r\n2 8\r\n3 6\r\n");
  CHECK(f.inbox().size_bytes == 8 + 6 + 6);
}

TEST_CASE("quota is exact and refuses without a trace") {
  Fixture f;
  REQUIRE(f.deliver("12345678", {}, inbox_id, {.account_bytes = 10}));
  auto refused = f.deliver("123", {}, inbox_id, {.account_bytes = 10});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::over_limit);
  REQUIRE(f.deliver("12", {}, inbox_id, {.account_bytes = 10}));
  CHECK(f.inbox().message_count == 2);
  CHECK(f.inbox().size_bytes == 10);
  CHECK(f.inbox().uidnext == 3);
  auto nobody = block_on(f.store.open({.account_id = 8}, inbox_id, right_read));
  CHECK_FALSE(nobody);
}

TEST_CASE("an organisation's accounts share its room, whatever comes and goes") {
  Fixture f;
  f.add_account(8, f.organisation);
  f.add_account(9, 4);
  const Quota quota{.organisation_bytes = 20};
  using Use = std::pair<std::int64_t, std::int64_t>;
  REQUIRE(f.deliver("12345678", {}, inbox_id, quota));
  REQUIRE(f.deliver("12345678", {}, inbox_id, quota, 8));
  auto refused = f.deliver("12345678", {}, inbox_id, quota);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::over_limit);
  CHECK(refused.error().text == "the organisation of this mailbox has no room left");
  CHECK(f.organisation_use() == Use{16, 2});
  REQUIRE(f.deliver("12345678", {}, inbox_id, quota, 9));
  CHECK(f.organisation_use(4) == Use{8, 1});
  CHECK(block_on(f.store.organisation_bytes(4)) == 8);
  auto both = f.deliver("12345678", {}, inbox_id, {.account_bytes = 1, .organisation_bytes = 1});
  CHECK(both.error().text == "this mailbox is full");

  CHECK(block_on(f.open().expunge({1})) == 1);
  CHECK(f.organisation_use() == Use{8, 1});
  CHECK(block_on(f.store.restore_expunged(f.account, inbox_id, Time{})) == 1);
  CHECK(f.organisation_use() == Use{16, 2});
  auto made = block_on(f.store.create_mailbox(f.account, {.name = "More"}));
  REQUIRE(f.deliver("1234", {}, made->id, quota));
  CHECK(f.organisation_use() == Use{20, 3});
  REQUIRE(block_on(f.store.delete_mailbox(f.account, made->id)));
  f.clock.advance(std::chrono::days(31));
  while (block_on(f.store.purge_some()) > 0) {
  }
  CHECK(f.organisation_use() == Use{16, 2});
  auto work = [&](sql::Tx& tx) { abandon_mail_account(tx, f.account); };
  block_on(f.db->write(work));
  while (block_on(f.store.purge_some()) > 0) {
  }
  CHECK(f.organisation_use() == Use{8, 1});
}

TEST_CASE("copies for many accounts: each has its answer, and counts in its organisation") {
  Fixture f;
  f.add_account(8, f.organisation);
  f.add_account(9, 4);
  f.add_account(10, f.organisation);
  const Quota shared{.organisation_bytes = 20};
  NewMessage message{.blob_id = 1, .size = 8, .origin = "smtp", .parsed = &f.parsed};
  std::vector<InboxCopy> copies;
  for (std::int64_t to : {7, 8, 9, 10, 11})
    copies.push_back({.account_id = to, .message_id = to, .quota = shared});
  auto work = [&](sql::Tx& tx) { append_copies(tx, message, copies); };
  block_on(f.db->write(work));
  CHECK(copies[0].placed);
  CHECK(copies[1].placed);
  CHECK(copies[2].placed);
  CHECK(copies[3].placed.error().code == Errc::over_limit);
  CHECK(copies[4].placed.error().code == Errc::not_found);
  CHECK(f.organisation_use() == std::pair<std::int64_t, std::int64_t>{16, 2});
  CHECK(f.organisation_use(4) == std::pair<std::int64_t, std::int64_t>{8, 1});
}

TEST_CASE("expunged mail can be restored for 30 days, then it is gone for good") {
  Fixture f;
  for (auto text : {"one\r\n", "two\r\n", "three\r\n"}) REQUIRE(f.deliver(text));
  auto box = f.open();
  auto uidl = std::string(block_on(box.maildrop())->entries()[1].uidl(*block_on(box.maildrop())));
  CHECK(block_on(box.expunge({2, 3, 77})) == 2);
  CHECK(block_on(box.maildrop())->entries().size() == 1);
  CHECK(f.inbox().message_count == 1);
  CHECK(f.inbox().size_bytes == 5);
  f.clock.advance(std::chrono::days(10));
  CHECK(block_on(f.store.purge_some()) == 0);
  auto lost = block_on(f.store.expunged(f.account, inbox_id));
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].uid == 2);
  CHECK(block_on(f.store.restore_expunged(f.account, inbox_id, Time{})) == 2);
  auto drop = block_on(box.maildrop());
  REQUIRE(drop->entries().size() == 3);
  CHECK(drop->entries()[1].uid == 4);
  CHECK(drop->entries()[1].uidl(*drop) == uidl);
  CHECK(block_on(f.store.expunged(f.account, inbox_id)).empty());
  CHECK(block_on(box.expunge({4})) == 1);
  f.clock.advance(std::chrono::days(31));
  CHECK(block_on(f.store.purge_some()) == 1);
  CHECK(block_on(f.store.purge_some()) == 0);
  CHECK(block_on(f.store.restore_expunged(f.account, inbox_id, Time{})) == 0);
}

TEST_CASE("mail that arrives before the bodies are counted after a start counts once") {
  blob::MemoryFiles files;
  auto open_blobs = [&] { return blob::open_segments(files, "/blobs").value(); };
  Fixture f;
  f.blobs = open_blobs();
  for (int i = 0; i < 3; ++i) REQUIRE(f.deliver("an old message\r\n"));
  f.blobs->sync();
  f.blobs.reset();
  f.blobs = open_blobs();
  REQUIRE(f.deliver("a new message\r\n"));
  Store store(*f.db, *f.blobs, f.clock, f.ids, f.pool, f.hub);
  block_on(store.account_for_blobs());
  CHECK(f.blobs->usage().dead_bytes == 0);
  auto all = block_on(store.messages(f.account, inbox_id, 0, 10));
  auto box = block_on(store.open({.account_id = f.account}, inbox_id, right_expunge));
  CHECK(block_on(box->expunge({1, 4})) == 2);
  f.clock.advance(std::chrono::days(31));
  while (block_on(store.purge_some()) > 0) {
  }
  CHECK(f.blobs->usage().dead_bytes == all[0].body.stored + all[3].body.stored);
}

TEST_CASE("a mailbox opened read-only expunges nothing") {
  Fixture f;
  REQUIRE(f.deliver("one\r\n"));
  auto box = block_on(f.store.open({.account_id = f.account}, inbox_id, right_read));
  REQUIRE(box);
  CHECK_FALSE(block_on(box->expunge({1})));
  CHECK(f.inbox().message_count == 1);
}

TEST_CASE("deleted mailboxes come back with their mail, or go after 30 days") {
  Fixture f;
  auto made = block_on(f.store.create_mailbox(f.account, {.name = "受注メール/2019年"}));
  REQUIRE(made);
  CHECK_FALSE(block_on(f.store.create_mailbox(f.account, {.name = "受注メール/2019年"})));
  REQUIRE(f.deliver("order\r\n", {}, made->id));
  CHECK_FALSE(block_on(f.store.delete_mailbox(f.account, inbox_id)));
  REQUIRE(block_on(f.store.delete_mailbox(f.account, made->id)));
  CHECK_FALSE(f.deliver("late\r\n", {}, made->id));
  REQUIRE(block_on(f.store.restore_mailbox(f.account, made->id)));
  CHECK(block_on(f.store.mailboxes(f.account, false)).back().message_count == 1);
  REQUIRE(block_on(f.store.delete_mailbox(f.account, made->id)));
  auto again = block_on(f.store.create_mailbox(f.account, {.name = "受注メール/2019年"}));
  REQUIRE(again);
  CHECK(again->uidvalidity > made->uidvalidity);
  CHECK_FALSE(block_on(f.store.restore_mailbox(f.account, made->id)));
  f.clock.advance(std::chrono::days(31));
  while (block_on(f.store.purge_some()) > 0) {
  }
  CHECK(block_on(f.store.mailboxes(f.account, true)).size() == 7);
  for (auto bad : {"", "/a", "a/", "a//b", "a\nb"})
    CHECK_FALSE(block_on(f.store.create_mailbox(f.account, {.name = bad})));
}

TEST_CASE("an abandoned account leaves nothing behind") {
  Fixture f;
  f.add_account(8, f.organisation);
  REQUIRE(f.deliver("stays\r\n", {}, inbox_id, {}, 8));
  auto remember = [&](std::int64_t account, std::int64_t mailbox) {
    auto work = [&](sql::Tx& tx) {
      tx.run("insert into import_source (account_id, mailbox_id, source) values ($1, $2, $3)",
             account, mailbox, sql::Bytes{"a source"});
    };
    block_on(f.db->write(work));
  };
  remember(8, inbox_id);
  remember(f.account, inbox_id);
  for (auto text : {"one\r\n", "two\r\n", "three\r\n"}) REQUIRE(f.deliver(text));
  auto made = block_on(f.store.create_mailbox(f.account, {.name = "More"}));
  REQUIRE(made);
  REQUIRE(f.deliver("four\r\n", {}, made->id));
  remember(f.account, made->id);
  // One expunged just before the end, and one whose purge is long over.
  CHECK(block_on(f.open().expunge({1})) == 1);
  f.clock.advance(std::chrono::days(31));
  CHECK(block_on(f.store.purge_some()) == 1);
  CHECK(block_on(f.open().expunge({2})) == 1);
  auto work = [&](sql::Tx& tx) { abandon_mail_account(tx, f.account); };
  block_on(f.db->write(work));
  while (block_on(f.store.purge_some()) > 0) {
  }
  auto query = [&](sql::Tx& tx) {
    return tx.first<std::int64_t>(
        "select (select count(*) from mail_account where account_id = $1) + "
        "(select count(*) from mailbox where account_id = $1) + "
        "(select count(*) from message where account_id = $1) + "
        "(select count(*) from placement where account_id = $1) + "
        "(select count(*) from vanished where account_id = $1) + "
        "(select count(*) from import_source where account_id = $1) + "
        "(select count(*) from blob) - 1",
        f.account);
  };
  CHECK(block_on(f.db->read(query)) == 0);
  CHECK(f.organisation_use() == std::pair<std::int64_t, std::int64_t>{7, 1});
  auto others = [](sql::Tx& tx) {
    return tx.first<std::int64_t>("select count(*) from import_source where account_id = 8");
  };
  CHECK(block_on(f.db->read(others)) == 1);
}

TEST_CASE("changes are told to who listens, and to nobody after") {
  Hub hub;
  int heard = 0;
  {
    auto subscription = hub.subscribe(7, [&](const Change&) { ++heard; });
    hub.publish({.account_id = 7});
    hub.publish({.account_id = 8});
  }
  hub.publish({.account_id = 7});
  CHECK(heard == 1);
}
