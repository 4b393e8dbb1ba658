#include "trust/key_ring.h"

#include "support/concurrently.h"
#include "trust/dkim_canonical.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace todoke;
using namespace todoke::trust;
using std::chrono::days;

namespace {

struct Fixture {
  std::unique_ptr<sql::Db> db = sql::open_memory();
  SimulatedClock clock{from_micros(1'795'316'400'000'000)};  // 2026-11-22
  WorkerPool pool{1};
  KeyRing ring{*db, clock, pool};

  std::string signers(const std::string& domain) { return signers(ring, domain); }
  std::string signers(KeyRing& of, const std::string& domain) {
    std::string out;
    for (const auto& identity : block_on(of.identities(domain))) {
      CHECK(identity.domain == domain);
      out += identity.selector + " ";
    }
    return out;
  }
  std::int64_t private_keys() {
    auto query = [](sql::Tx& tx) {
      return *tx.first<std::int64_t>("select count(private_key) from dkim_key");
    };
    return block_on(db->read(query));
  }
};

constexpr auto first_ones = "t202611r t202611e ", next_ones = "t202611r2 t202611e2 ";

}  // namespace

TEST_CASE("key ring: keys are made, kept and sign") {
  Fixture f;
  CHECK(f.signers("example.jp") == "");
  const auto made = block_on(f.ring.create("example.jp"));
  REQUIRE(made);
  CHECK(f.signers("example.jp") == first_ones);
  auto stored = block_on(f.ring.keys("example.jp"));
  std::ranges::reverse(stored);  // by selector, "…e" comes first
  CHECK(stored == *made);
  CHECK(block_on(f.ring.keys("other.jp")).empty());
  CHECK(f.signers("other.jp") == "");
  CHECK(block_on(f.ring.create("example.jp")).error().code == Errc::conflict);

  // The key that signs is the one whose record is shown, after a restart too.
  KeyRing other(*f.db, f.clock, f.pool);
  const auto signers = block_on(other.identities("example.jp"));
  REQUIRE(signers.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(signers[i].key->algorithm() == (*made)[i].algorithm);
    CHECK(signers[i].key->public_key() == (*made)[i].public_key);
    CHECK(!sign_dkim("From: a@example.jp\r\n", body_hash(""), signers[i], f.clock.now()).empty());
  }
  CHECK((*made)[0].public_key.size() == 392);
  CHECK((*made)[1].public_key.size() == 44);
}

TEST_CASE("key ring: only domains") {
  Fixture f;
  for (auto bad : {"", "Example.jp", "届け.jp", "a b", "example.jp; x", "example.jp."}) {
    CHECK(block_on(f.ring.create(bad)).error().code == Errc::invalid);
    CHECK(block_on(f.ring.rotate(bad)).error().code == Errc::invalid);
  }
}

TEST_CASE("key ring: a rotation") {
  Fixture f;
  CHECK(block_on(f.ring.rotate("example.jp")).error().code == Errc::not_found);
  REQUIRE(block_on(f.ring.create("example.jp")));
  REQUIRE(block_on(f.ring.create("other.jp")));
  REQUIRE(block_on(f.ring.rotate("example.jp")));
  CHECK(block_on(f.ring.rotate("example.jp")).error().code == Errc::conflict);
  CHECK(block_on(f.ring.create("example.jp")).error().code == Errc::conflict);
  auto records = [&] {
    const auto keys = block_on(f.ring.keys("example.jp"));
    return dkim_records(keys, f.clock.now()).size();
  };
  CHECK(f.signers("example.jp") == first_ones);
  CHECK(records() == 4);

  f.clock.advance(days(2) - std::chrono::seconds(1));
  CHECK(f.signers("example.jp") == first_ones);
  CHECK(block_on(f.ring.forget_retired()) == 0);
  // What is remembered knows the hour.
  f.clock.advance(std::chrono::seconds(1));
  CHECK(f.signers("example.jp") == next_ones);
  CHECK(f.signers("other.jp") == first_ones);
  CHECK(records() == 4);
  CHECK(f.private_keys() == 6);
  CHECK(block_on(f.ring.forget_retired()) == 2);
  CHECK(block_on(f.ring.forget_retired()) == 0);
  CHECK(f.private_keys() == 4);
  CHECK(f.signers("example.jp") == next_ones);

  f.clock.advance(days(7));
  CHECK(records() == 2);
  CHECK(block_on(f.ring.keys("example.jp")).size() == 4);
}

TEST_CASE("key ring: a rotation that is taken back") {
  Fixture f;
  REQUIRE(block_on(f.ring.create("example.jp")));
  CHECK(block_on(f.ring.cancel_rotation("example.jp")).error().code == Errc::not_found);
  REQUIRE(block_on(f.ring.rotate("example.jp")));
  CHECK(block_on(f.ring.cancel_rotation("example.jp")));
  CHECK(block_on(f.ring.cancel_rotation("example.jp")).error().code == Errc::not_found);
  CHECK(f.private_keys() == 2);
  // Nothing bears a signature of theirs, so their records need not stand.
  CHECK(dkim_records(block_on(f.ring.keys("example.jp")), f.clock.now()).size() == 2);
  f.clock.advance(days(30));
  CHECK(f.signers("example.jp") == first_ones);
  // The selectors of the keys that never signed are not used again in their month.
  f.clock.advance(-days(30));
  const auto again = block_on(f.ring.rotate("example.jp"));
  REQUIRE(again);
  CHECK((*again)[0].selector == "t202611r3");
}

TEST_CASE("key ring: a domain that is no longer ours") {
  Fixture f;
  REQUIRE(block_on(f.ring.create("example.jp")));
  CHECK(f.signers("example.jp") == first_ones);
  block_on(f.ring.remove("example.jp"));
  CHECK(f.signers("example.jp") == "");
  CHECK(f.private_keys() == 0);
  CHECK(block_on(f.ring.create("example.jp")));
}

TEST_CASE("key ring: what another process changes is seen in time") {
  Fixture f;
  KeyRing other(*f.db, f.clock, f.pool);
  CHECK(f.signers("example.jp") == "");
  REQUIRE(block_on(other.create("example.jp")));
  CHECK(f.signers("example.jp") == "");
  f.clock.advance(std::chrono::minutes(10));
  CHECK(f.signers("example.jp") == first_ones);
  static_assert(dkim_publishing_time > std::chrono::minutes(10));
  REQUIRE(block_on(other.rotate("example.jp")));
  f.clock.advance(dkim_publishing_time);
  CHECK(f.signers("example.jp") == next_ones);
}

TEST_CASE("key ring: a key that cannot be read is left out") {
  Fixture f;
  REQUIRE(block_on(f.ring.create("example.jp")));
  auto spoil = [](sql::Tx& tx) {
    tx.run("update dkim_key set private_key = 'damaged' where algorithm = $1",
           crypto::KeyAlgorithm::rsa);
  };
  block_on(f.db->write(spoil));
  CHECK(f.signers("example.jp") == "t202611e ");
}

namespace {

// The first changes, the others look meanwhile.
Task<> change_or_look(Fixture& f, int number) {  // NOLINT: the fixture outlives it
  if (number == 0) {
    auto done = co_await f.ring.rotate("example.jp", std::chrono::microseconds(0));
    REQUIRE(done.has_value());
    auto signers = co_await f.ring.identities("example.jp");
    // Whoever looks after a change sees it.
    CHECK(signers.at(0).selector == done->at(0).selector);
    co_return;
  }
  for (int round = 0; round < 20; ++round) {
    auto signers = co_await f.ring.identities("example.jp");
    CHECK(signers.size() == 2);
  }
}

}  // namespace

TEST_CASE("key ring: askers and changes at once") {
  Fixture f;
  REQUIRE(block_on(f.ring.create("example.jp")));
  test::concurrently(4, 2, [&](int number) { return change_or_look(f, number); });
}
