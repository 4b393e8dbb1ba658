#include "contract/sql_contract.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/database.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

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
