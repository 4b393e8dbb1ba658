#include "contract/sql_contract.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/database.h"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace todoke;

namespace {

std::unique_ptr<sqlite::ScratchFolder> scratch() {
  auto folder = sqlite::ScratchFolder::create();
  REQUIRE(folder.has_value());
  return *std::move(folder);
}

std::unique_ptr<sql::Db> open_at(const std::string& path) {
  auto db = sql::open_sqlite({.path = path});
  REQUIRE_MESSAGE(db.has_value(), db.error().text);
  return *std::move(db);
}

class Backups {
 public:
  std::string backup_target() {
    return folder_->path() + "/backup" + std::to_string(++count_) + ".db";
  }
  std::unique_ptr<sql::Db> open_backup(const std::string& target) { return open_at(target); }

 protected:
  std::unique_ptr<sqlite::ScratchFolder> folder_ = scratch();

 private:
  int count_ = 0;
};

class InFile : public Backups {
 public:
  sql::Db& db() { return *db_; }

 private:
  std::unique_ptr<sql::Db> db_ = open_at(folder_->path() + "/todoke.db");
};

class InMemory : public Backups {
 public:
  sql::Db& db() { return *db_; }

 private:
  std::unique_ptr<sql::Db> db_ = sql::open_memory();
};

// A log so small that it is folded all the time.
class SmallLog : public Backups {
 public:
  SmallLog() {
    auto db = sql::open_sqlite(
        {.path = folder_->path() + "/todoke.db", .cache_kib = 64, .checkpoint_bytes = 16 * 1024});
    REQUIRE(db.has_value());
    db_ = *std::move(db);
  }
  sql::Db& db() { return *db_; }

 private:
  std::unique_ptr<sql::Db> db_;
};

}  // namespace

TYPE_TO_STRING(InFile);
TYPE_TO_STRING(InMemory);
TYPE_TO_STRING(SmallLog);

namespace todoke::test {
TODOKE_SQL_CONTRACT(InFile, InMemory, SmallLog);
}  // namespace todoke::test

TEST_CASE("sqlite: writes that wait share commits") {
  auto db = sql::open_memory();
  test::make_item_table(*db);
  std::atomic<int> commits{0};
  db->before_commit([&] { ++commits; });
  test::together(*db, 100, [&](int id) -> Task<> {  // coro_lint: outlives the run
    auto insert = [id](sql::Tx& tx) { test::insert_item(tx, id); };
    co_await db->write(insert);
  });
  CHECK(test::count_items(*db) == 100);
  CHECK(commits <= 2);  // the one that held the writer may have ended before
}

TEST_CASE("sqlite: commits, queues and the log are on the metrics page") {
  auto db = sql::open_memory();
  test::make_item_table(*db);
  test::together(*db, 50, [&](int id) -> Task<> {  // coro_lint: outlives the run
    auto insert = [id](sql::Tx& tx) { test::insert_item(tx, id); };
    co_await db->write(insert);
  });
  auto page = metrics::render();
  auto value = [&](const std::string& name) {
    auto at = page.find("\ntodoke_" + name + " ");
    CAPTURE(name);
    REQUIRE(at != std::string::npos);
    return std::stod(page.substr(at + name.size() + 9));
  };
  CHECK(value("sql_commit_seconds_count") >= 2);
  CHECK(value("sql_group_jobs_sum") >= 52);  // with the one that held the writer
  CHECK(value("sql_group_jobs_count") < 10);
  CHECK(value("sql_queue_jobs{queue=\"write\"}") == 0);
  CHECK(value("sql_queue_jobs{queue=\"read\"}") == 0);
  CHECK(value("sql_wal_bytes") > 4096);
}

TEST_CASE("sqlite: the log stays small though somebody always reads and writes") {
  auto folder = scratch();
  const sql::SqliteOptions options{.path = folder->path() + "/todoke.db",
                                   .checkpoint_bytes = 256 * 1024};
  auto db = *sql::open_sqlite(options);
  test::make_item_table(*db);
  std::atomic<int> writers{4};
  std::uintmax_t largest = 0;
  auto session = [&](int id) -> Task<> {  // coro_lint: outlives the run
    if (id < 4) {
      for (int i = 0; i < 500; ++i) {
        auto insert = [&](sql::Tx& tx) {
          test::insert_item(tx, id * 1000 + i, std::string(2000, 'x'));
        };
        co_await db->write(insert);
      }
      --writers;
    } else {
      auto look = [](sql::Tx& tx) {
        return tx.first<int>("select sum(length(value)) from item where id % 7 = 3");
      };
      while (writers > 0) {
        co_await db->read(look);
        if (id == 4) largest = std::max(largest, std::filesystem::file_size(options.path + "-wal"));
      }
    }
  };
  test::concurrently(12, 2, session);
  CHECK(test::count_items(*db) == 2000);
  CHECK(largest > options.checkpoint_bytes);
  CHECK(largest < 8 * options.checkpoint_bytes);
  db = nullptr;
  CHECK_FALSE(std::filesystem::exists(options.path + "-wal"));
}

TEST_CASE("sqlite: migrations are applied once, in order, and undone when they fail") {
  auto folder = scratch();
  const sql::SqliteOptions options{.path = folder->path() + "/todoke.db"};
  const sql::Migration steps[] = {
      {1, "first", "create table a(x bigint primary key) without rowid; insert into a values(1);"},
      {2, "second", "create table b(y text); insert into b select 'from ' || x from a;"},
      {3, "broken", "create table c(z text); insert into nowhere values(1);"},
  };
  auto open = [&](std::size_t count) {
    return sqlite::Database::open(options, sqlite::Sync::off, std::span(steps).first(count));
  };
  auto versions = [](sql::Db& db) {
    std::string all;
    auto query = [&](sql::Tx& tx) {
      all.clear();
      tx.each("select name, applied_at from schema_version order by number",
              [&](const sql::Row& row) {
                all += row.get<std::string>(0) + " ";
                CHECK(row.integer(1) > 1'600'000'000'000'000);
              });
    };
    test::read(db, query);
    return all;
  };
  CHECK(versions(**open(1)) == "first ");
  CHECK(versions(**open(2)) == "first second ");
  auto broken = open(3);
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().code == Errc::invalid);
  CHECK(broken.error().text.find("0003 (broken)") != std::string::npos);
  CHECK(broken.error().text.find("nowhere") != std::string::npos);
  {
    auto again = *open(2);
    CHECK(versions(*again) == "first second ");
    auto query = [](sql::Tx& tx) {
      CHECK(tx.first<std::string>("select y from b") == "from 1");
      CHECK(tx.first<int>("select count(*) from sqlite_schema where name = 'c'") == 0);
    };
    test::read(*again, query);
  }
  auto older = open(1);
  REQUIRE_FALSE(older.has_value());
  CHECK(older.error().code == Errc::invalid);
  CHECK(older.error().text.find("newer version") != std::string::npos);
}

TEST_CASE("sqlite: the schema of the program is applied") {
  auto db = sql::open_memory();
  auto work = [](sql::Tx& tx) {
    tx.run("insert into setting(name, value) values($1, $2)", "host", "mail.example");
    return tx.first<std::string>("select value from setting where name = $1", "host");
  };
  CHECK(test::write(*db, work) == "mail.example");
  CHECK(sql::migrations().front().name == std::string("installation"));
}

TEST_CASE("sqlite: files that are not ours are refused and left alone") {
  auto folder = scratch();
  const auto text = folder->path() + "/letter.txt";
  std::ofstream(text) << "Dear database, this is a letter.";
  CHECK(sql::open_sqlite({.path = text}).error().code == Errc::corrupt);
  CHECK(std::filesystem::file_size(text) == 32);

  const auto foreign = folder->path() + "/foreign.db";
  {
    sqlite::Connection connection(foreign, sqlite::Mode::read_write, 64);
    connection.script("create table bookmarks(url text)");
  }
  auto refused = sql::open_sqlite({.path = foreign});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::corrupt);
  sqlite::Connection connection(foreign, sqlite::Mode::read_only, 64);
  CHECK(connection.first<std::string>("pragma journal_mode") == "delete");

  CHECK(sql::open_sqlite({.path = folder->path() + "/no/such.db"}).error().code ==
        Errc::unavailable);
}

TEST_CASE("sqlite: nobody else on the machine reads the files") {
  auto folder = scratch();
  auto db = open_at(folder->path() + "/todoke.db");
  test::make_item_table(*db);
  for (const auto& entry : std::filesystem::directory_iterator(folder->path())) {
    CAPTURE(entry.path().string());
    CHECK((entry.status().permissions() & std::filesystem::perms::mask) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  }
}

TEST_CASE("sqlite: SQL that cannot be right ends the process and names the statement") {
  const auto words_of = [](auto bug) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGABRT, SIG_DFL);
      ::dup2(ends[1], STDERR_FILENO);
      sqlite::Connection connection(":memory:", sqlite::Mode::read_write, 64);
      bug(connection);
      ::_exit(0);
    }
    ::close(ends[1]);
    std::string words;
    char part[512];
    for (ssize_t n; (n = ::read(ends[0], part, sizeof part)) > 0;)
      words.append(part, static_cast<std::size_t>(n));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    return words;
  };
  auto contains = [](const std::string& words, std::string_view part) {
    CAPTURE(words);
    CHECK(words.find(part) != std::string::npos);
  };
  contains(words_of([](sql::Tx& tx) { tx.run("selekt 1"); }), "in \"selekt 1\"");
  contains(words_of([](sql::Tx& tx) { tx.run("select 1; select 2"); }), "one statement");
  contains(words_of([](sql::Tx& tx) { tx.run("select $1"); }), "number of values");
  contains(words_of([](sql::Tx& tx) { tx.run("select $2", 1, 2); }), "not used");
  contains(words_of([](sql::Tx& tx) { tx.run("select ?", 1); }), "not $1");
  contains(words_of([](sql::Tx& tx) { tx.run("select \"text\""); }), "no such column");
  contains(words_of([](sql::Tx& tx) { tx.first<int, int>("select 1"); }), "no such column");
}

TEST_CASE("sqlite: a value that is refused at run time is a violation, not a bug") {
  auto db = sql::open_memory();
  auto overflow = [](sql::Tx& tx) { tx.first<int>("select abs($1)", INT64_MIN); };
  CHECK_THROWS_AS(test::read(*db, overflow), sql::Violation);
}
