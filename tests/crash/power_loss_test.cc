#include "base/worker_pool.h"
#include "blob/memory_files.h"
#include "blob/segment_store.h"
#include "sql/db.h"
#include "store/append.h"
#include "store/store.h"
#include "support/concurrently.h"
#include "support/memory_vfs.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <stdlib.h>

// The power goes at every change of the disk in turn, in the middle of deliveries, expunges,
// purges, compaction and checkpoints.  Database and message bodies lie on the same disk of
// memory_files.h, so each state it may leave behind is one that a real disk may leave behind.
// Then: what was acknowledged is there, whole and once; nothing refers to a body that is not; and
// the installation works on.
//
// TODOKE_POWER_SEEDS=N runs N different histories instead of the usual few.
using namespace todoke;
using namespace std::chrono_literals;
using Cut = blob::MemoryFiles::Cut;

namespace {

constexpr std::int64_t accounts = 3;
constexpr Time start = Time(std::chrono::days(20'000));

// The message of this number: always the same bytes.
std::string text_of(std::int64_t number) {
  std::mt19937_64 random(static_cast<std::uint64_t>(number));
  auto size = random() % 8 == 0 ? 30'000 + random() % 250'000 : random() % 3'000;
  auto text = fmt::format("Subject: {}\r\n\r\n", number);
  while (text.size() < size) text += fmt::format("{:x}\r\n", random());
  return text;
}

// What a user was told, and what he asked for.
struct Ledger {
  std::mutex mutex;
  std::int64_t next = 0;
  std::set<std::pair<std::int64_t, std::int64_t>> asked;                  // account, number
  std::map<std::pair<std::int64_t, std::int64_t>, std::uint32_t> placed;  // acknowledged, and UID
  std::set<std::pair<std::int64_t, std::int64_t>> expunging;              // asked for
  std::set<std::pair<std::int64_t, std::int64_t>> expunged;               // acknowledged
};

// The machine's disk and what outlives the installation on it.
struct Machine {
  blob::MemoryFiles files;
  test::MemoryVfs vfs{files};
  SimulatedClock clock{start};
  std::string folder;

  Machine() {
    auto parent = std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    folder = fmt::format("{}/todoke-power-XXXXXX", parent);
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
  }
  ~Machine() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::string database() const { return folder + "/todoke.db"; }

  void lose_power(Cut cut, std::uint64_t seed) {
    files.restart(cut, seed);
    std::filesystem::remove(database() + "-shm");
  }
};

// Database, bodies and store as `app` wires them.
struct Installation {
  explicit Installation(Machine& machine) : clock(machine.clock), ids(clock), pool(1) {
    blob::SegmentOptions options;
    options.segment_bytes = 60'000;
    options.step = 16'000;
    options.compaction_rate = 0;
    options.clock = &clock;
    auto bodies = blob::open_segments(machine.files, machine.folder + "/blobs", options);
    if (!bodies) return;
    blobs = *std::move(bodies);
    auto opened = sql::open_sqlite(
        {.path = machine.database(), .readers = 1, .cache_kib = 64, .checkpoint_bytes = 64 * 1024});
    if (!opened) return;
    db = *std::move(opened);
    db->before_commit([this] { blobs->sync(); });
    store.emplace(*db, *blobs, clock, ids, pool, hub);
    // The clock of this test stands still, so that only this keeps ids from being repeated.
    auto query = [](sql::Tx& tx) {
      return tx.first<std::int64_t>(
          "select max(id) from (select id from blob union all select id from message)");
    };
    ids.skip_past(block_on(db->read(query)).value_or(0));
  }
  bool is_open() const { return store.has_value(); }

  SimulatedClock& clock;
  IdGenerator ids;
  WorkerPool pool;
  store::Hub hub;
  std::unique_ptr<blob::Store> blobs;
  std::unique_ptr<sql::Db> db;
  std::optional<store::Store> store;
};

// As Delivery::accept does it: the body, then rows for all recipients in one commit.
Task<> deliver(Installation& in, Ledger& ledger, bool to_all) {  // NOLINT
  std::int64_t number;
  std::vector<std::int64_t> recipients;
  {
    std::lock_guard lock(ledger.mutex);
    number = ++ledger.next;
    for (std::int64_t a = 1; a <= accounts; ++a)
      if (to_all || a == number % accounts + 1) recipients.push_back(a);
    for (auto account : recipients) ledger.asked.emplace(account, number);
  }
  const auto text = text_of(number);
  auto writer = in.blobs->create();
  if (!writer->append(text)) co_return;
  auto at = writer->finish("");
  if (!at) co_return;
  auto blob_id = in.ids.next();
  store::Parsed parsed{.envelope = "", .structure = "", .preview = std::to_string(number)};
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < recipients.size(); ++i) ids.push_back(in.ids.next());
  std::map<std::int64_t, std::uint32_t> uids;
  auto work = [&](sql::Tx& tx) -> Result<> {
    for (std::size_t i = 0; i < recipients.size(); ++i) {
      store::NewMessage message{.id = ids[i],
                                .blob_id = blob_id,
                                .size = static_cast<std::int64_t>(text.size()),
                                .internal_date = start,
                                .received_at = start,
                                .origin = "smtp",
                                .parsed = &parsed};
      TRY(auto placed, store::append(tx, recipients[i], store::inbox_id, message, {}));
      uids[recipients[i]] = placed.uid;
    }
    store::insert_blob(tx, blob_id, *at, static_cast<std::int64_t>(recipients.size()));
    return {};
  };
  try {
    auto written = co_await in.db->write(work);
    if (!written) co_return;
  } catch (const sql::Unavailable&) {
    co_return;
  }
  std::lock_guard lock(ledger.mutex);
  for (auto [account, uid] : uids) ledger.placed[{account, number}] = uid;
}

// Most messages that the account was told of.
Task<> expunge_some(Installation& in, Ledger& ledger, std::int64_t account) {  // NOLINT
  std::vector<std::uint32_t> uids;
  std::vector<std::int64_t> numbers;
  {
    std::lock_guard lock(ledger.mutex);
    for (const auto& [key, uid] : ledger.placed)
      if (key.first == account && key.second % 8 != 0 && !ledger.expunged.contains(key)) {
        uids.push_back(uid);
        numbers.push_back(key.second);
        ledger.expunging.insert(key);
      }
  }
  try {
    auto mailbox = co_await in.store->open({.account_id = account}, store::inbox_id,
                                           store::right_read | store::right_expunge);
    if (!mailbox) co_return;
    auto gone = co_await mailbox->expunge(std::move(uids));
    if (!gone) co_return;
  } catch (const sql::Unavailable&) {
    co_return;
  }
  std::lock_guard lock(ledger.mutex);
  for (auto number : numbers) ledger.expunged.emplace(account, number);
}

// What the server does by itself: forgets old mail and gives its space back, so many bytes.
std::uint64_t keep_house(Installation& in) {
  std::uint64_t freed = 0;
  try {
    in.clock.advance(std::chrono::days(31));
    while (block_on(in.store->purge_some()) > 0) {
    }
    for (int round = 0; round < 5; ++round) {
      freed += block_on(in.store->compact_some());
      in.clock.advance(2min);
    }
  } catch (const std::runtime_error&) {
    // Without power everything fails, each in its way.
  }
  return freed;
}

// What comes first after a start; false without power.
bool begin(Installation& in) {
  auto work = [&](sql::Tx& tx) {
    for (std::int64_t a = 1; a <= accounts; ++a)
      if (!tx.first<int>("select 1 from mail_account where account_id = $1", a))
        store::create_mail_account(tx, a, 1, "ja", start);
  };
  try {
    block_on(in.db->write(work));
    block_on(in.store->account_for_blobs());
    return true;
  } catch (const sql::Unavailable&) {
    return false;
  }
}

// One day in the life of the installation, with sessions that share commits.  Answers how many
// bytes compaction freed.
std::uint64_t live(Machine& machine, Ledger& ledger, std::uint64_t seed) {
  Installation in(machine);
  if (!in.is_open() || !begin(in)) return 0;
  std::mt19937_64 random(seed);
  for (int hour = 0; hour < 3; ++hour) {
    auto to_all = random() % 3 == 0;
    test::concurrently(4, 1, [&](int) { return deliver(in, ledger, to_all); });
    test::concurrently(accounts + 2, 1, [&](int i) {
      return i < accounts ? expunge_some(in, ledger, i + 1) : deliver(in, ledger, false);
    });
  }
  auto freed = keep_house(in);
  test::concurrently(3, 1, [&](int) { return deliver(in, ledger, true); });
  return freed;
}

struct Row {
  std::int64_t account;
  std::int64_t number;
  std::uint32_t uid;
  blob::Location body;
};

std::vector<Row> placements(Installation& in) {
  std::vector<Row> rows;
  auto query = [&](sql::Tx& tx) {
    CHECK(tx.first<std::string>("pragma integrity_check") == "ok");
    tx.each(
        "select p.account_id, m.preview, p.uid, b.segment, b.position, b.stored, b.size "
        "from placement p join message m on m.account_id = p.account_id and m.id = p.message_id "
        "left join blob b on b.id = m.blob_id",
        [&](const sql::Row& row) {
          rows.push_back({row.get<std::int64_t>(0),
                          std::stoll(row.get<std::string>(1)),
                          row.get<std::uint32_t>(2),
                          {.segment = row.get<std::uint64_t>(3),
                           .offset = row.get<std::uint64_t>(4),
                           .stored = row.get<std::uint64_t>(5),
                           .size = row.get<std::uint64_t>(6)}});
        });
  };
  block_on(in.db->read(query));
  return rows;
}

// Also bodies of mail that was expunged and can be restored must be readable.
void check_bodies(Installation& in) {
  std::vector<blob::Location> bodies;
  auto query = [&](sql::Tx& tx) {
    tx.each("select segment, position, stored, size from blob", [&](const sql::Row& row) {
      bodies.push_back({.segment = row.get<std::uint64_t>(0),
                        .offset = row.get<std::uint64_t>(1),
                        .stored = row.get<std::uint64_t>(2),
                        .size = row.get<std::uint64_t>(3)});
    });
    CHECK(tx.first<int>(
              "select count(*) from message where blob_id not in (select id from blob)") == 0);
  };
  block_on(in.db->read(query));
  for (const auto& at : bodies) {
    auto text = in.blobs->read(at, 0, at.size);
    REQUIRE_MESSAGE(text.has_value(), "a body that cannot be read: " << text.error().text);
    CHECK(text->size() == at.size);
  }
}

void check(Installation& in, const Ledger& ledger) {
  std::set<std::pair<std::int64_t, std::int64_t>> there;
  for (const auto& row : placements(in)) {
    auto key = std::pair(row.account, row.number);
    CAPTURE(row.account);
    CAPTURE(row.number);
    CHECK(ledger.asked.contains(key));
    CHECK_FALSE(ledger.expunged.contains(key));
    CHECK(there.insert(key).second);
    auto text = in.blobs->read(row.body, 0, row.body.size);
    REQUIRE_MESSAGE(text.has_value(), (text ? "" : text.error().text));
    CHECK(*text == text_of(row.number));
    auto told = ledger.placed.find(key);
    if (told != ledger.placed.end()) CHECK(told->second == row.uid);
  }
  for (const auto& [key, uid] : ledger.placed)
    if (!ledger.expunging.contains(key)) {
      CAPTURE(key.first);
      CAPTURE(key.second);
      CHECK(there.contains(key));
    }
  check_bodies(in);
}

// The power is back: everything is as it must be, and new mail is taken.  It may go once more
// while the installation opens.
void come_back(Machine& machine, Ledger& ledger, Cut cut, std::uint64_t seed) {
  machine.lose_power(cut, seed);
  if (seed % 4 == 0) {
    machine.files.cut_after(seed / 4 % 40);
    {
      Installation interrupted(machine);
    }
    machine.lose_power(cut, seed + 1);
  }
  Installation in(machine);
  REQUIRE(in.is_open());
  REQUIRE(begin(in));
  check(in, ledger);
  auto before = ledger.placed.size();
  block_on(deliver(in, ledger, true));
  CHECK(ledger.placed.size() == before + accounts);
  check(in, ledger);
}

int histories() {
  const char* wanted = std::getenv("TODOKE_POWER_SEEDS");
  return wanted == nullptr ? 1 : std::max(1, std::atoi(wanted));
}

}  // namespace

TEST_CASE("power loss: a day without one, to know what is tested") {
  Machine machine;
  Ledger ledger;
  CHECK(live(machine, ledger, 1) > 0);
  CHECK(ledger.placed.size() > 20);
  CHECK(ledger.expunged.size() > 0);
  CHECK(ledger.placed.size() - ledger.expunged.size() == [&] {
    Installation in(machine);
    check(in, ledger);
    return placements(in).size();
  }());
  MESSAGE("changes of the disk in a day: " << machine.files.operations()
                                           << ", syncs: " << machine.files.syncs());
}

TEST_CASE("power loss: what was acknowledged outlives it, wherever it strikes") {
  for (int seed = 1; seed <= histories(); ++seed)
    for (auto cut : {Cut::lose_all, Cut::lose_some, Cut::keep_all}) {
      bool lived_through = false;
      for (std::uint64_t at = 0; !lived_through; ++at) {
        CAPTURE(seed);
        CAPTURE(static_cast<int>(cut));
        CAPTURE(at);
        Machine machine;
        Ledger ledger;
        machine.files.cut_after(at);
        live(machine, ledger, static_cast<std::uint64_t>(seed));
        lived_through = machine.files.operations() < at;
        come_back(machine, ledger, cut, at);
      }
    }
}
