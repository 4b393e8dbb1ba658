#include "delivery/delivery.h"

#include "support/world.h"

#include <doctest/doctest.h>

#include <thread>

using namespace todoke;

namespace {

constexpr std::string_view text = "Subject: one\r\n\r\nHello\r\n";

struct Scene {
  Scene() {
    world.add_account("ann@example.test", "secret");
    world.add_account("bob@example.test", "secret");
    world.blobs->set_live({});
  }

  delivery::Recipient to(const std::string& address) {
    auto path = smtp::parse_address(address).value();
    auto route = block_on(delivery.accepts(path, true, {}));
    REQUIRE_MESSAGE(route, (route ? "" : route.error().text));
    return {path, *std::move(route), {}, {}};
  }
  delivery::Envelope envelope(const std::vector<std::string>& addresses) {
    delivery::Envelope made;
    made.id = world.ids.next();
    made.reverse_path = smtp::parse_address("eve@else.test").value();
    for (const auto& address : addresses) made.recipients.push_back(to(address));
    return made;
  }
  Result<delivery::Receipt> accept(delivery::Envelope envelope, std::string_view body = text) {
    auto message = delivery.begin();
    REQUIRE(message.append(body));
    return block_on(delivery.accept(std::move(envelope), std::move(message)));
  }
  std::vector<std::int64_t> refs() {
    std::vector<std::int64_t> found;
    auto query = [&](sql::Tx& tx) {
      auto take = [&](const sql::Row& row) { found.push_back(row.integer(0)); };
      tx.each("select refs from blob order by id", take);
    };
    block_on(world.db->read(query));
    return found;
  }
  // All that a delivery to Ann may change.
  auto counters() {
    auto id = world.account_id("ann@example.test");
    auto query = [&](sql::Tx& tx) {
      return tx.first<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
          "select a.modseq, a.used_bytes, a.message_count, m.uidnext, m.size_bytes "
          "from mail_account a join mailbox m on m.account_id = a.account_id and m.id = 1 "
          "where a.account_id = $1",
          id);
    };
    return block_on(world.db->read(query));
  }
  std::int64_t queued() {
    auto query = [](sql::Tx& tx) {
      return tx.first<std::int64_t>("select count(*) from queue_recipient").value();
    };
    return block_on(world.db->read(query));
  }
  // Bytes of bodies that somebody counts on.
  std::uint64_t live() {
    auto usage = world.blobs->usage();
    return usage.bytes - usage.dead_bytes;
  }

  test::World world;
  delivery::Delivery delivery{*world.db,       *world.blobs, world.store,
                              world.directory, world.clock,  world.ids};
};

}  // namespace

TEST_CASE("many recipients share one body, and its references are counted") {
  Scene scene;
  std::vector<std::string> addresses;
  for (int i = 0; i < 20; ++i) {
    addresses.push_back("member" + std::to_string(i) + "@example.test");
    scene.world.add_account(addresses.back(), "secret");
  }
  auto receipt = scene.accept(scene.envelope(addresses));
  REQUIRE(receipt);
  CHECK(receipt->recipients.size() == 20);
  CHECK(scene.refs() == std::vector<std::int64_t>{20});
  for (const auto& address : addresses)
    CHECK(scene.world.bodies(address) == std::vector<std::string>{std::string(text)});
}

TEST_CASE("local and remote recipients in one commit: all or nothing") {
  Scene scene;
  auto mixed = scene.envelope({"ann@example.test", "a@else.test", "b@ELSE.test"});
  REQUIRE(scene.accept(mixed));
  CHECK(scene.world.count("ann@example.test") == 1);
  CHECK(scene.queued() == 2);
  CHECK(scene.refs() == std::vector<std::int64_t>{2});

  auto before = scene.counters();
  auto live = scene.live();
  scene.world.disk_full = true;
  CHECK_THROWS_AS((void)scene.accept(mixed), sql::Unavailable);
  CHECK(scene.counters() == before);
  CHECK(scene.queued() == 2);
  CHECK(scene.refs().size() == 1);
  CHECK(scene.live() == live);

  scene.world.disk_full = false;
  mixed.id = scene.world.ids.next();
  REQUIRE(scene.accept(mixed));
  CHECK(scene.world.count("ann@example.test") == 2);
  CHECK(scene.queued() == 4);
}

TEST_CASE("what ends without CRLF says so to the store") {
  Scene scene;
  for (std::string_view body : {"A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc", "A: b\r\n\r\nc\n", "A: b\r"})
    REQUIRE(scene.accept(scene.envelope({"ann@example.test"}), body));
  Principal ann{.account_id = scene.world.account_id("ann@example.test")};
  auto box = block_on(scene.world.store.open(ann, store::inbox_id, store::right_read));
  auto drop = block_on(box->maildrop());
  CHECK(drop->list_text() == "1 11\r\n2 11\r\n3 12\r\n4 7\r\n");
}

TEST_CASE("an answer for all: one full mailbox, and nobody gets anything") {
  Scene scene;
  REQUIRE(scene.accept(scene.envelope({"ann@example.test"})));
  auto before = scene.counters();
  auto live = scene.live();
  scene.world.change("bob@example.test", {.quota_bytes = std::int64_t{10}});
  auto envelope = scene.envelope({"ann@example.test", "a@else.test", "bob@example.test"});
  auto refused = scene.accept(envelope);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::over_limit);
  CHECK(scene.counters() == before);
  CHECK(scene.queued() == 0);
  CHECK(scene.refs().size() == 1);
  CHECK(scene.live() == live);
}

TEST_CASE("an organisation without room takes no more, for whomever of its accounts") {
  Scene scene;
  const auto size = static_cast<std::int64_t>(text.size());
  scene.world.limit_organisation(2 * size);
  REQUIRE(scene.accept(scene.envelope({"ann@example.test"})));
  auto both = scene.envelope({"ann@example.test", "bob@example.test"});
  auto refused = scene.accept(both);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::over_limit);
  CHECK(refused.error().text == "the organisation of this mailbox has no room left");
  CHECK(scene.world.count("ann@example.test") == 1);
  both.id = scene.world.ids.next();
  both.answer = delivery::Envelope::Answer::for_each;
  auto receipt = scene.accept(both);
  REQUIRE(receipt);
  CHECK(receipt->recipients[0]);
  CHECK(!receipt->recipients[1]);
  // Bob is known to have no room now.
  auto again = block_on(
      scene.delivery.accepts(smtp::parse_address("bob@example.test").value(), false, size));
  CHECK(again.error().text == "the organisation of this mailbox has no room left");
  scene.world.limit_organisation(1'000'000);
  CHECK(scene.accept(scene.envelope({"bob@example.test"})));
}

TEST_CASE("RFC 2033 §4.2: an answer for each: the full one is refused alone") {
  Scene scene;
  scene.world.change("bob@example.test", {.quota_bytes = std::int64_t{10}});
  auto envelope = scene.envelope({"bob@example.test", "ann@example.test", "bob+x@example.test"});
  envelope.answer = delivery::Envelope::Answer::for_each;
  auto receipt = scene.accept(envelope);
  REQUIRE(receipt);
  CHECK(!receipt->recipients[0]);
  CHECK(receipt->recipients[1]);
  CHECK(!receipt->recipients[2]);
  CHECK(scene.refs() == std::vector<std::int64_t>{1});

  // When all are refused, nothing refers to the body, and it goes.
  auto live = scene.live();
  scene.world.change("bob@example.test", {.quota_bytes = std::int64_t{20}});
  delivery::Envelope alone;
  alone.answer = delivery::Envelope::Answer::for_each;
  alone.recipients.push_back(envelope.recipients[0]);
  receipt = scene.accept(alone);
  REQUIRE(receipt);
  CHECK(!receipt->recipients[0]);
  CHECK(scene.refs().size() == 1);
  CHECK(scene.live() == live);
}

TEST_CASE("a message that ends with its looping header is refused as a loop") {
  Scene scene;
  std::string loop;
  for (int i = 0; i < 51; ++i) loop += "Received: by mail.example.test\r\n";
  auto refused = scene.accept(scene.envelope({"ann@example.test"}), loop);
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::denied);
}

TEST_CASE("a full account is passed over until it has room") {
  Scene scene;
  auto ann = smtp::parse_address("ann@example.test").value();
  auto taken = [&](std::optional<std::uint64_t> size) {
    return block_on(scene.delivery.accepts(ann, false, size)).has_value();
  };
  scene.world.change("ann@example.test", {.quota_bytes = std::int64_t{2000}});
  CHECK(taken(1'000'000));  // nobody has looked yet
  std::string large = "Subject: x\r\n\r\n" + std::string(3000, 'x') + "\r\n";
  CHECK(!scene.accept(scene.envelope({"ann@example.test"}), large));
  CHECK(!taken({}));
  CHECK(!taken(3000));
  CHECK(taken(100));
  scene.world.clock.advance(std::chrono::hours(24));
  CHECK(!taken(3000));
  CHECK(taken({}));
  scene.world.change("ann@example.test", {.quota_bytes = std::int64_t{20'000}});
  CHECK(taken(3000));
  CHECK(scene.accept(scene.envelope({"ann@example.test"}), large));
}

TEST_CASE("deliveries from several threads: every message has a UID of its own") {
  Scene scene;
  constexpr int threads = 4, each = 25;
  std::vector<std::thread> running;
  std::vector<delivery::Envelope> envelopes;
  for (int i = 0; i < threads; ++i) envelopes.push_back(scene.envelope({"ann@example.test"}));
  std::atomic<int> accepted = 0;
  for (const auto& envelope : envelopes)
    running.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        auto message = scene.delivery.begin();
        (void)message.append(text);
        accepted += block_on(scene.delivery.accept(envelope, std::move(message))) ? 1 : 0;
      }
    });
  for (auto& thread : running) thread.join();
  CHECK(accepted == threads * each);
  auto found = block_on(scene.world.store.messages(scene.world.account_id("ann@example.test"),
                                                   store::inbox_id, 0, 1000));
  REQUIRE(found.size() == threads * each);
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].uid == i + 1);
}
