#include "contract/sql_contract.h"
#include "sql/sqlite/database.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>

using namespace todoke;

namespace {

enum class Fault { none, write, write_main, sync };

// What the disk under all databases of this program does now.
std::atomic<Fault> fault{Fault::none};

// A file of SQLite's own driver behind this head.
struct File {
  sqlite3_file base;
  bool main;  // the database itself, not its log
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& as_file(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}

template <auto Method>
struct Forward;
template <class... Args, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Args...)>
struct Forward<Method> {
  static int call(sqlite3_file* file, Args... args) {
    auto* real = as_file(file).real();
    return (real->pMethods->*Method)(real, args...);
  }
};

int write_or_fail(sqlite3_file* file, const void* data, int length, sqlite3_int64 at) {
  auto now = fault.load();
  if (now == Fault::write || (now == Fault::write_main && as_file(file).main)) return SQLITE_FULL;
  return Forward<&sqlite3_io_methods::xWrite>::call(file, data, length, at);
}

int sync_or_fail(sqlite3_file* file, int flags) {
  if (fault == Fault::sync) return SQLITE_IOERR_FSYNC;
  return Forward<&sqlite3_io_methods::xSync>::call(file, flags);
}

void barrier(sqlite3_file* file) {
  auto* real = as_file(file).real();
  real->pMethods->xShmBarrier(real);
}

const sqlite3_io_methods& methods() {
  using M = sqlite3_io_methods;
  static const M all = [] {
    M m{};
    m.iVersion = 2;
    m.xClose = Forward<&M::xClose>::call;
    m.xRead = Forward<&M::xRead>::call;
    m.xWrite = write_or_fail;
    m.xTruncate = Forward<&M::xTruncate>::call;
    m.xSync = sync_or_fail;
    m.xFileSize = Forward<&M::xFileSize>::call;
    m.xLock = Forward<&M::xLock>::call;
    m.xUnlock = Forward<&M::xUnlock>::call;
    m.xCheckReservedLock = Forward<&M::xCheckReservedLock>::call;
    m.xFileControl = Forward<&M::xFileControl>::call;
    m.xSectorSize = Forward<&M::xSectorSize>::call;
    m.xDeviceCharacteristics = Forward<&M::xDeviceCharacteristics>::call;
    m.xShmMap = Forward<&M::xShmMap>::call;
    m.xShmLock = Forward<&M::xShmLock>::call;
    m.xShmBarrier = barrier;
    m.xShmUnmap = Forward<&M::xShmUnmap>::call;
    return m;
  }();
  return all;
}

sqlite3_vfs* real_vfs = nullptr;

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& wrapped = as_file(file);
  wrapped.base.pMethods = nullptr;
  wrapped.main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  int code = real_vfs->xOpen(real_vfs, name, wrapped.real(), flags, out_flags);
  if (code == SQLITE_OK) wrapped.base.pMethods = &methods();
  return code;
}

// Puts the failing disk under the databases opened during its life.
class FaultyDisk {
 public:
  FaultyDisk() {
    fault = Fault::none;
    real_vfs = sqlite3_vfs_find(nullptr);
    vfs_ = *real_vfs;
    vfs_.zName = "todoke-faulty";
    vfs_.szOsFile += static_cast<int>(sizeof(File));
    vfs_.xOpen = open_file;
    REQUIRE(sqlite3_vfs_register(&vfs_, 1) == SQLITE_OK);
  }
  ~FaultyDisk() {
    fault = Fault::none;
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_vfs, 1);
  }

 private:
  sqlite3_vfs vfs_{};
};

struct Setting {
  FaultyDisk disk;
  std::unique_ptr<sqlite::ScratchFolder> folder = *sqlite::ScratchFolder::create();
  sql::SqliteOptions options{.path = folder->path() + "/todoke.db"};
  std::unique_ptr<sql::Db> db;

  void open() {
    db = nullptr;
    auto opened = sql::open_sqlite(options);
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text);
    db = *std::move(opened);
  }
};

// Writes rows from `first` on, by `count` sessions at once; answers how many were acknowledged and
// keeps the words of the last refusal.
int insert_many(sql::Db& db, int first, int count, std::string* words = nullptr) {
  std::atomic<int> acknowledged{0};
  auto session = [&](int i) -> Task<> {  // coro_lint: outlives the run
    auto insert = [&](sql::Tx& tx) { test::insert_item(tx, first + i, std::string(300, 'x')); };
    try {
      co_await db.write(insert);
      ++acknowledged;
    } catch (const sql::Unavailable& e) {
      if (words != nullptr) *words = e.what();
    }
  };
  test::concurrently(count, 1, session);
  return acknowledged;
}

}  // namespace

TEST_CASE("sqlite: a disk that fails refuses writes, serves reads, and recovers") {
  for (Fault kind : {Fault::write, Fault::sync}) {
    CAPTURE(static_cast<int>(kind));
    Setting setting;
    setting.open();
    auto& db = *setting.db;
    test::make_item_table(db);
    CHECK(insert_many(db, 0, 50) == 50);
    for (int round = 1; round <= 3; ++round) {
      std::string words;
      fault = kind;
      CHECK(insert_many(db, 1000 * round, 50, &words) == 0);
      CHECK(words.find(kind == Fault::write ? "no space left" : "the disk fails") !=
            std::string::npos);
      CHECK(test::count_items(db) == 50 * round);
      fault = Fault::none;
      CHECK(insert_many(db, 10'000 * round, 50) == 50);
      CHECK(test::count_items(db) == 50 * (round + 1));
    }
    setting.open();
    CHECK(test::count_items(*setting.db) == 200);
    CHECK(test::read(*setting.db, [](sql::Tx& tx) {
            return tx.first<std::string>("pragma integrity_check");
          }) == "ok");
  }
}

TEST_CASE("sqlite: a database without room refuses the large job, not its neighbours") {
  Setting setting;
  setting.open();
  auto& db = *setting.db;
  test::make_item_table(db);
  auto limit = [](sql::Tx& tx) { tx.first<int>("pragma max_page_count = 40"); };
  test::write(db, limit);
  std::atomic<int> small{0};
  std::atomic<int> large{0};
  auto session = [&](int id) -> Task<> {  // coro_lint: outlives the run
    const bool is_large = id == 7;
    auto work = [&](sql::Tx& tx) {
      test::insert_item(tx, 100 + id);
      if (is_large) test::insert_item(tx, id, std::string(1'000'000, 'x'));
    };
    try {
      co_await db.write(work);
      ++(is_large ? large : small);
    } catch (const sql::Unavailable&) {
    }
  };
  test::together(db, 20, session);
  CHECK(large == 0);
  CHECK(small == test::count_items(db));
  CHECK(small == 19);
  auto lift = [](sql::Tx& tx) { tx.first<int>("pragma max_page_count = 1000000"); };
  test::write(db, lift);
  test::together(db, 20, [&](int id) -> Task<> {  // coro_lint: outlives the run
    auto work = [id](sql::Tx& tx) { test::insert_item(tx, 1000 + id, std::string(100'000, 'x')); };
    co_await db.write(work);
  });
  CHECK(test::count_items(db) == small + 20);
}

TEST_CASE("sqlite: a log that cannot be folded is kept until it can") {
  Setting setting;
  setting.options.checkpoint_bytes = 128 * 1024;
  setting.open();
  auto& db = *setting.db;
  test::make_item_table(db);
  fault = Fault::write_main;
  for (int round = 0; round < 40; ++round) CHECK(insert_many(db, 100 * round, 30) == 30);
  CHECK(test::count_items(db) == 1200);
  auto log = setting.options.path + "-wal";
  CHECK(std::filesystem::file_size(log) > 8 * setting.options.checkpoint_bytes);
  fault = Fault::none;
  for (int round = 40; round < 80; ++round) CHECK(insert_many(db, 100 * round, 30) == 30);
  // As small as the rules of a log that is being copied allow, whatever the threads' pace.
  CHECK(std::filesystem::file_size(log) <= 6 * setting.options.checkpoint_bytes);
  setting.open();
  CHECK(test::count_items(*setting.db) == 2400);
}
