#pragma once

#include "sql/db.h"
#include "support/concurrently.h"

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <limits>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What every database behind sql::Db keeps.  A driver's test file declares a backend
//
//   struct Backend {
//     sql::Db& db();                  // empty but for the schema
//     std::string backup_target();    // for Db::backup_to, new at each call
//     std::unique_ptr<sql::Db> open_backup(const std::string& target);
//   };
//
// and runs all of these with TODOKE_SQL_CONTRACT(Backend…).
namespace todoke::test {

// db.write and db.read for a thread that may wait.
template <class F>
auto write(sql::Db& db, F work) {
  return block_on(db.write(work));
}
template <class F>
auto read(sql::Db& db, F query) {
  return block_on(db.read(query));
}

inline void make_item_table(sql::Db& db) {
  auto create = [](sql::Tx& tx) {
    tx.run("create table item(id bigint primary key, value text not null)");
  };
  write(db, create);
}
inline void insert_item(sql::Tx& tx, std::int64_t id, std::string_view value = "") {
  tx.run("insert into item(id, value) values($1, $2)", id, value);
}
inline std::int64_t count_items(sql::Db& db) {
  return read(db, [](sql::Tx& tx) { return *tx.first<std::int64_t>("select count(*) from item"); });
}

// Holds the database's writing until released, so that what is submitted meanwhile waits together.
class Plug {
 public:
  explicit Plug(sql::Db& db)
      : thread_([this, &db] {
          auto hold = [this](sql::Tx&) {
            if (!std::exchange(entered_once_, true)) entered_.release();
            open_.acquire();
            open_.release();
          };
          try {
            write(db, hold);
          } catch (const sql::Unavailable&) {
            // It may share the commit that a test makes fail.
          }
        }) {
    entered_.acquire();
  }
  void release() { open_.release(); }
  ~Plug() { thread_.join(); }

 private:
  std::binary_semaphore entered_{0};
  std::counting_semaphore<2> open_{0};
  bool entered_once_ = false;
  std::thread thread_;
};

// Submits write(0) … write(count - 1) while the database is held, in order, and returns when all
// are through.
inline void together(sql::Db& db, int count, const std::function<Task<>(int)>& make) {
  Plug plug(db);
  concurrently(count, 1, make, [&] { plug.release(); });
}

TEST_CASE_TEMPLATE_DEFINE("sql: values come back as they were stored", Backend, contract_values) {
  Backend backend;
  auto& db = backend.db();
  auto create = [](sql::Tx& tx) {
    tx.run(
        "create table kind(id bigint primary key, i integer, b bigint, t text, y bytea, "
        "d double precision)");
  };
  write(db, create);
  const std::string nul_bytes("a\0b\xff\x80", 5);
  const auto lowest = std::numeric_limits<std::int64_t>::min();
  const auto time = from_micros(1'795'000'000'123'456);
  auto insert = [&](sql::Tx& tx) {
    const sql::Sql sql = "insert into kind(id, i, b, t, y, d) values($1, $2, $3, $4, $5, $6)";
    CHECK(tx.run(sql, 1, -7, lowest, "日本語 'quoted' $1", sql::Bytes{nul_bytes}, 1.5e300) == 1);
    CHECK(tx.run(sql, 2, std::nullopt, std::optional<std::int64_t>(), std::nullopt, std::nullopt,
                 std::optional<double>()) == 1);
    CHECK(tx.run(sql, 3, true, time, "", sql::Bytes{}, 0.0) == 1);
  };
  write(db, insert);
  int rows = 0;
  auto query = [&](sql::Tx& tx) {
    auto check = [&](const sql::Row& row) {
      switch (++rows) {
        case 1:
          CHECK(row.get<int>(0) == -7);
          CHECK(row.get<std::int64_t>(1) == lowest);
          CHECK(row.get<std::string>(2) == "日本語 'quoted' $1");
          CHECK(row.text(3) == nul_bytes);
          CHECK(row.get<double>(4) == 1.5e300);
          CHECK_FALSE(row.is_null(3));
          break;
        case 2:
          for (int column = 0; column < 5; ++column) CHECK(row.is_null(column));
          CHECK(row.integer(0) == 0);
          CHECK(row.real(4) == 0);
          CHECK(row.text(2).empty());
          CHECK(row.get<std::optional<std::string>>(2) == std::nullopt);
          CHECK(row.get<std::optional<int>>(0) == std::nullopt);
          break;
        default:
          CHECK(row.get<bool>(0));
          CHECK(row.get<Time>(1) == time);
          CHECK_FALSE(row.is_null(2));
          CHECK_FALSE(row.is_null(3));
          CHECK(row.get<std::optional<std::string>>(2) == "");
          CHECK(row.text(3).empty());
      }
    };
    tx.each("select i, b, t, y, d from kind order by id", check);
  };
  read(db, query);
  CHECK(rows == 3);
}

TEST_CASE_TEMPLATE_DEFINE("sql: parameters go by their number", Backend, contract_parameters) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  auto work = [](sql::Tx& tx) {
    insert_item(tx, 1, "one");
    insert_item(tx, 2, "two");
    CHECK(tx.run("update item set value = $2 where id = $1", 2, "deux") == 1);
    CHECK(tx.run("update item set value = $2 where id > $1 and value <> $2", 0, "deux") == 1);
    CHECK(tx.run("update item set value = $1 where id = $2", "none", 9) == 0);
    // More than nine, out of order.
    CHECK(tx.run("insert into item(value, id) select $2, $11 where 1 in "
                 "($1, $3, $4, $5, $6, $7, $8, $9, $10)",
                 1, "eleven", 3, 4, 5, 6, 7, 8, 9, 10, 11) == 1);
  };
  write(db, work);
  auto query = [](sql::Tx& tx) {
    CHECK(tx.first<std::int64_t>("select count(*) from item where value = $1", "deux") == 2);
    CHECK(tx.first<std::int64_t, std::string>("select id, value from item where id > $1", 2) ==
          std::tuple(std::int64_t{11}, std::string("eleven")));
    CHECK_FALSE(tx.first<std::int64_t>("select id from item where id = $1", 12));
  };
  read(db, query);
}

TEST_CASE_TEMPLATE_DEFINE("sql: rows are read until the reader has enough, and nest", Backend,
                          contract_rows) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  write(db, [](sql::Tx& tx) {
    for (int i = 0; i < 4; ++i) insert_item(tx, i);
  });
  std::vector<std::int64_t> seen;
  auto query = [&](sql::Tx& tx) {
    tx.each("select id from item order by id", [&](const sql::Row& row) -> bool {
      seen.push_back(row.integer(0));
      return seen.size() < 3;
    });
    CHECK(seen == std::vector<std::int64_t>{0, 1, 2});
    // The same statement inside its own rows.
    int pairs = 0;
    const sql::Sql smaller = "select id from item where id < $1 order by id";
    auto inner = [&](const sql::Row&) { ++pairs; };
    tx.each(smaller, [&](const sql::Row& row) { tx.each(smaller, inner, row.integer(0)); }, 4);
    CHECK(pairs == 6);
    // A throw out of the rows leaves the statement fit for use.
    auto stop = [&](const sql::Row&) { throw std::runtime_error("enough"); };
    CHECK_THROWS_AS(tx.each(smaller, stop, 4), std::runtime_error);
    CHECK(tx.first<std::int64_t>(smaller, 1) == 0);
  };
  read(db, query);
}

TEST_CASE_TEMPLATE_DEFINE("sql: a read sees one snapshot", Backend, contract_snapshot) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  std::binary_semaphore first_read{0};
  std::binary_semaphore written{0};
  std::thread reader([&] {
    read(db, [&](sql::Tx& tx) {
      CHECK(tx.first<std::int64_t>("select count(*) from item") == 0);
      first_read.release();
      written.acquire();
      CHECK(tx.first<std::int64_t>("select count(*) from item") == 0);
      CHECK_FALSE(tx.first<std::int64_t>("select id from item"));
    });
  });
  first_read.acquire();
  write(db, [](sql::Tx& tx) { insert_item(tx, 1); });
  CHECK(count_items(db) == 1);
  written.release();
  reader.join();
}

TEST_CASE_TEMPLATE_DEFINE("sql: what was awaited is read", Backend, contract_read_your_write) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  auto session = [&db](int id) -> Task<> {
    auto insert = [&](sql::Tx& tx) { insert_item(tx, id); };
    auto exists = [&](sql::Tx& tx) {
      return tx.first<std::int64_t>("select id from item where id = $1", id).has_value();
    };
    co_await db.write(insert);
    bool found = co_await db.read(exists);
    CHECK(found);
  };
  concurrently(200, 4, session);
}

TEST_CASE_TEMPLATE_DEFINE("sql: an error undoes the writes of its closure and no others", Backend,
                          contract_error) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  std::vector<bool> refused(50);
  auto session = [&](int id) -> Task<> {
    auto work = [id](sql::Tx& tx) -> Result<int> {
      insert_item(tx, id);
      insert_item(tx, 1000 + id);
      if (id % 7 == 3) return fail(Errc::over_limit, "too many");
      return id;
    };
    auto answer = co_await db.write(work);
    refused[static_cast<std::size_t>(id)] = !answer;
    if (answer) CHECK(*answer == id);
    if (!answer) CHECK(answer.error().code == Errc::over_limit);
  };
  together(db, 50, session);
  for (int id = 0; id < 50; ++id) {
    CHECK(refused[static_cast<std::size_t>(id)] == (id % 7 == 3));
    auto rows = read(db, [id](sql::Tx& tx) {
      return tx.first<int>("select count(*) from item where id in ($1, $2)", id, 1000 + id);
    });
    CHECK(rows == (id % 7 == 3 ? 0 : 2));
  }
}

TEST_CASE_TEMPLATE_DEFINE("sql: a throw undoes the writes of its closure and no others", Backend,
                          contract_throw) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  std::atomic<int> thrown{0};
  std::atomic<int> violated{0};
  auto session = [&](int id) -> Task<> {
    auto work = [id](sql::Tx& tx) {
      insert_item(tx, id);
      if (id % 10 == 1) throw std::logic_error("changed my mind");
      if (id % 10 == 2) insert_item(tx, id);  // the key stands already
    };
    try {
      co_await db.write(work);
    } catch (const std::logic_error& e) {
      CHECK(std::string(e.what()) == "changed my mind");
      ++thrown;
    } catch (const sql::Violation&) {
      ++violated;
    }
  };
  together(db, 50, session);
  CHECK(thrown == 5);
  CHECK(violated == 5);
  CHECK(count_items(db) == 40);
  CHECK(read(db, [](sql::Tx& tx) {
          return tx.first<int>("select count(*) from item where id % 10 in (1, 2)");
        }) == 0);
}

TEST_CASE_TEMPLATE_DEFINE("sql: closures that run again leave one trace", Backend, contract_again) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  write(db, [](sql::Tx& tx) { insert_item(tx, 0, "0"); });
  auto session = [&](int id) -> Task<> {
    auto work = [id](sql::Tx& tx) -> Result<> {
      auto total = std::stoi(*tx.first<std::string>("select value from item where id = 0"));
      tx.run("update item set value = $1 where id = 0", std::to_string(total + 1));
      if (id == 25) return fail(Errc::invalid, "the others run again");
      return {};
    };
    co_await db.write(work);
  };
  together(db, 50, session);
  CHECK(read(db, [](sql::Tx& tx) {
          return tx.first<std::string>("select value from item where id = 0");
        }) == "49");
}

TEST_CASE_TEMPLATE_DEFINE("sql: writes of many executors are all kept", Backend, contract_many) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  std::atomic<int> acknowledged{0};
  auto session = [&](int id) -> Task<> {
    auto work = [id](sql::Tx& tx) { insert_item(tx, id, std::to_string(id)); };
    co_await db.write(work);
    ++acknowledged;
  };
  concurrently(10'000, 4, session);
  CHECK(acknowledged == 10'000);
  CHECK(count_items(db) == 10'000);
}

TEST_CASE_TEMPLATE_DEFINE("sql: a session's writes keep their order", Backend, contract_order) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  auto session = [&](int id) -> Task<> {
    for (int step = 0; step < 20; ++step) {
      auto work = [&](sql::Tx& tx) {
        tx.run("insert into item(id, value) select coalesce(max(id), 0) + 1, $1 from item",
               std::to_string(id) + ":" + std::to_string(step));
      };
      co_await db.write(work);
    }
  };
  concurrently(10, 2, session);
  std::vector<int> next(10);
  int rows = 0;
  auto query = [&](sql::Tx& tx) {
    tx.each("select value from item order by id", [&](const sql::Row& row) {
      auto value = row.get<std::string>(0);
      auto colon = value.find(':');
      auto id = static_cast<std::size_t>(std::stoi(value.substr(0, colon)));
      CHECK(std::stoi(value.substr(colon + 1)) == next[id]++);
      ++rows;
    });
  };
  read(db, query);
  CHECK(rows == 200);
}

TEST_CASE_TEMPLATE_DEFINE("sql: the hook runs before each commit, and its throw undoes it", Backend,
                          contract_hook) {
  Backend backend;
  auto& db = backend.db();
  std::atomic<int> hooks{0};
  std::atomic<bool> broken{false};
  db.before_commit([&] {
    ++hooks;
    if (broken) throw std::runtime_error("no space for bodies");
  });
  make_item_table(db);
  CHECK(hooks == 1);
  write(db, [&](sql::Tx& tx) {
    CHECK(hooks == 1);  // not before the rows are written
    insert_item(tx, 1);
  });
  CHECK(hooks == 2);
  // A closure that only looks asks for nothing to be durable.
  write(db, [](sql::Tx& tx) { return tx.first<int>("select count(*) from item"); });
  CHECK(hooks == 2);

  broken = true;
  std::atomic<int> failed{0};
  auto session = [&](int id) -> Task<> {
    auto work = [id](sql::Tx& tx) { insert_item(tx, 100 + id); };
    try {
      co_await db.write(work);
    } catch (const sql::Unavailable& e) {
      CHECK(std::string(e.what()).find("no space for bodies") != std::string::npos);
      ++failed;
    }
  };
  together(db, 20, session);
  CHECK(failed == 20);
  CHECK(count_items(db) == 1);
  broken = false;
  write(db, [](sql::Tx& tx) { insert_item(tx, 2); });
  CHECK(count_items(db) == 2);
}

TEST_CASE_TEMPLATE_DEFINE("sql: a refused read leaves the reader fit for the next", Backend,
                          contract_read_failure) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  for (int i = 0; i < 10; ++i) {
    auto refuse = [](sql::Tx& tx) -> Result<int> {
      tx.first<int>("select count(*) from item");
      return fail(Errc::not_found, "nothing there");
    };
    auto answer = read(db, refuse);
    CHECK(answer.error().code == Errc::not_found);
    auto abandon = [](sql::Tx& tx) {
      tx.first<int>("select count(*) from item");
      throw std::logic_error("given up");
    };
    CHECK_THROWS_AS(read(db, abandon), std::logic_error);
    write(db, [i](sql::Tx& tx) { insert_item(tx, i); });
    CHECK(count_items(db) == i + 1);
  }
}

TEST_CASE_TEMPLATE_DEFINE("sql: a backup is one moment of a database in use", Backend,
                          contract_backup) {
  Backend backend;
  auto& db = backend.db();
  make_item_table(db);
  // Every write keeps the count of the others in row 0; a torn copy would disagree with itself.
  write(db, [](sql::Tx& tx) { insert_item(tx, 0, "0"); });
  std::atomic<bool> stop{false};
  std::atomic<int> written{0};
  std::thread writer([&] {
    for (int i = 1; !stop; ++i) {
      write(db, [i](sql::Tx& tx) {
        insert_item(tx, i, std::string(500, 'x'));
        tx.run("update item set value = $1 where id = 0", std::to_string(i));
      });
      written = i;
    }
  });
  while (written < 50) std::this_thread::yield();
  for (int round = 0; round < 3; ++round) {
    const int before = written;
    auto target = backend.backup_target();
    auto done = db.backup_to(target);
    REQUIRE_MESSAGE(done.has_value(), done.error().text);
    CHECK(db.backup_to(target).error().code == Errc::conflict);
    auto copy = backend.open_backup(target);
    auto counts = read(*copy, [](sql::Tx& tx) {
      return *tx.first<int, int>(
          "select cast(value as integer), (select count(*) - 1 from item) from item where id = 0");
    });
    CHECK(std::get<0>(counts) == std::get<1>(counts));
    CHECK(std::get<0>(counts) >= before);
    // The copy is a database in its own right.
    write(*copy, [](sql::Tx& tx) { insert_item(tx, -1); });
    CHECK(count_items(*copy) == std::get<0>(counts) + 2);
  }
  stop = true;
  writer.join();
}

}  // namespace todoke::test

#define TODOKE_SQL_CONTRACT(...)                                    \
  TEST_CASE_TEMPLATE_INVOKE(contract_values, __VA_ARGS__);          \
  TEST_CASE_TEMPLATE_INVOKE(contract_parameters, __VA_ARGS__);      \
  TEST_CASE_TEMPLATE_INVOKE(contract_rows, __VA_ARGS__);            \
  TEST_CASE_TEMPLATE_INVOKE(contract_snapshot, __VA_ARGS__);        \
  TEST_CASE_TEMPLATE_INVOKE(contract_read_your_write, __VA_ARGS__); \
  TEST_CASE_TEMPLATE_INVOKE(contract_error, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(contract_throw, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(contract_again, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(contract_many, __VA_ARGS__);            \
  TEST_CASE_TEMPLATE_INVOKE(contract_order, __VA_ARGS__);           \
  TEST_CASE_TEMPLATE_INVOKE(contract_hook, __VA_ARGS__);            \
  TEST_CASE_TEMPLATE_INVOKE(contract_read_failure, __VA_ARGS__);    \
  TEST_CASE_TEMPLATE_INVOKE(contract_backup, __VA_ARGS__)
