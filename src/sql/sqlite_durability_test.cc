#include "contract/sql_contract.h"
#include "sql/sqlite/database.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace todoke;

namespace {

constexpr const char* child_case = "child: acknowledges writes until it is killed";
constexpr const char* child_path = "TODOKE_TEST_DATABASE";

void acknowledge(int id) {
  char line[32];
  int length = std::snprintf(line, sizeof line, "ack %d\n", id);
  if (::write(STDOUT_FILENO, line, static_cast<std::size_t>(length)) != length) std::abort();
}

// This program again, running the child's test case alone on the database at `path`.
class Child {
 public:
  explicit Child(const std::string& path) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    auto only = std::string("-tc=") + child_case;
    std::string name = "child";
    std::string skipped = "--no-skip";
    char* arguments[] = {name.data(), only.data(), skipped.data(), nullptr};
    ::setenv(child_path, path.c_str(), 1);
    REQUIRE(::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments, environ) == 0);
    ::unsetenv(child_path);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ::fdopen(ends[0], "r");
  }
  ~Child() {
    kill();
    std::fclose(output_);
  }
  // The next write it acknowledged, or nothing at its end.
  std::optional<int> next() {
    char line[256];
    int id = 0;
    while (std::fgets(line, sizeof line, output_) != nullptr)
      if (std::strchr(line, '\n') != nullptr && std::sscanf(line, "ack %d", &id) == 1) return id;
    return std::nullopt;
  }
  void kill() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  pid_t process() const { return process_; }

 private:
  pid_t process_ = 0;
  std::FILE* output_ = nullptr;
};

std::unique_ptr<sqlite::ScratchFolder> scratch() {
  auto folder = sqlite::ScratchFolder::create();
  REQUIRE(folder.has_value());
  return *std::move(folder);
}

}  // namespace

TEST_CASE("child: acknowledges writes until it is killed" * doctest::skip()) {
  const char* path = std::getenv(child_path);
  REQUIRE(path != nullptr);
  auto db = sql::open_sqlite({.path = path, .cache_kib = 64, .checkpoint_bytes = 256 * 1024});
  REQUIRE(db.has_value());
  test::write(**db, [](sql::Tx& tx) {
    tx.run("create table if not exists item(id integer primary key, value text not null)");
  });
  auto start = test::read(
      **db, [](sql::Tx& tx) { return *tx.first<int>("select coalesce(max(id), 0) from item"); });
  std::atomic<int> next{start};
  auto session = [&](int) -> Task<> {  // coro_lint: outlives the run
    for (;;) {
      int id = ++next;
      auto insert = [id](sql::Tx& tx) { test::insert_item(tx, id, std::string(200, 'x')); };
      co_await (*db)->write(insert);
      acknowledge(id);
    }
  };
  test::concurrently(20, 2, session);
}

TEST_CASE("sqlite: what was acknowledged outlives the process that is killed") {
  auto folder = scratch();
  const auto path = folder->path() + "/todoke.db";
  std::set<int> acknowledged;
  for (int round = 0; round < 5; ++round) {
    {
      Child child(path);
      for (int i = 0; i < 300 + 700 * round; ++i) {
        auto id = child.next();
        REQUIRE(id.has_value());
        acknowledged.insert(*id);
      }
      child.kill();
      while (auto id = child.next()) acknowledged.insert(*id);
    }
    auto db = sql::open_sqlite({.path = path});
    REQUIRE_MESSAGE(db.has_value(), db.error().text);
    std::set<int> stored;
    auto query = [&](sql::Tx& tx) {
      CHECK(tx.first<std::string>("pragma integrity_check") == "ok");
      tx.each("select id from item", [&](const sql::Row& row) { stored.insert(row.get<int>(0)); });
    };
    test::read(**db, query);
    std::size_t lost = 0;
    for (int id : acknowledged) lost += stored.contains(id) ? 0 : 1;
    CHECK(lost == 0);
    CHECK(acknowledged.size() >= 300);
  }
}

TEST_CASE("sqlite: a second process is refused, and told who holds the database") {
  auto folder = scratch();
  const auto path = folder->path() + "/todoke.db";
  {
    Child child(path);
    REQUIRE(child.next().has_value());
    auto second = sql::open_sqlite({.path = path});
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::conflict);
    CHECK(second.error().text.find("process " + std::to_string(child.process())) !=
          std::string::npos);
  }
  auto after = sql::open_sqlite({.path = path});
  CHECK(after.has_value());
  CHECK(sql::open_sqlite({.path = path}).error().code == Errc::conflict);
}
