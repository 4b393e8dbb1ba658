// Durable transactions a second through group commit, at several numbers of concurrent writers.
// Each does what accepting a small message does: two inserts and two updates.
//
//   sql_bench [folder] [seconds]      one line of JSON for each number of writers
//
// The folder should be on the disk that is to be measured.

#include "sql/db.h"
#include "support/concurrently.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

using namespace todoke;
using std::chrono::steady_clock;

namespace {

double micros(steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

void make_tables(sql::Db& db) {
  auto create = [](sql::Tx& tx) {
    tx.run(
        "create table account(id bigint primary key, modseq bigint not null, used bigint not null)"
        " without rowid");
    tx.run(
        "create table mailbox(account bigint, id bigint, uidnext bigint not null, "
        "primary key(account, id)) without rowid");
    tx.run(
        "create table message(account bigint, id bigint, size bigint, envelope bytea, "
        "primary key(account, id)) without rowid");
    tx.run(
        "create table placement(account bigint, mailbox bigint, uid bigint, message bigint, "
        "primary key(account, mailbox, uid)) without rowid");
    for (int account = 0; account < 1000; ++account) {
      tx.run("insert into account(id, modseq, used) values($1, 1, 0)", account);
      tx.run("insert into mailbox(account, id, uidnext) values($1, 1, 1)", account);
    }
  };
  block_on(db.write(create));
}

void deliver(sql::Tx& tx, std::int64_t account, std::string_view envelope) {
  auto uid = *tx.first<std::int64_t>(
      "update mailbox set uidnext = uidnext + 1 where account = $1 and id = 1 "
      "returning uidnext - 1",
      account);
  tx.run("update account set modseq = modseq + 1, used = used + $2 where id = $1", account, 4096);
  tx.run("insert into message(account, id, size, envelope) values($1, $2, 4096, $3)", account, uid,
         sql::Bytes{envelope});
  tx.run("insert into placement(account, mailbox, uid, message) values($1, 1, $2, $2)", account,
         uid);
}

void measure(sql::Db& db, int writers, double seconds) {
  std::vector<double> latencies;
  std::mutex mutex;
  const std::string envelope(300, 'e');
  const auto start = steady_clock::now();
  const auto end = start + std::chrono::duration_cast<steady_clock::duration>(
                               std::chrono::duration<double>(seconds));
  auto session = [&](int id) -> Task<> {
    std::vector<double> mine;
    for (std::int64_t i = 0; steady_clock::now() < end; ++i) {
      auto work = [&](sql::Tx& tx) { deliver(tx, (i * 37 + id * 101) % 1000, envelope); };
      auto before = steady_clock::now();
      co_await db.write(work);
      mine.push_back(micros(steady_clock::now() - before));
    }
    std::lock_guard lock(mutex);
    latencies.insert(latencies.end(), mine.begin(), mine.end());
  };
  test::concurrently(writers, 1, session);
  const double took = micros(steady_clock::now() - start) / 1e6;
  std::ranges::sort(latencies);
  auto at = [&](double share) {
    return latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
  };
  fmt::print(
      "{{\"bench\":\"sql_group_commit\",\"writers\":{},\"transactions_per_second\":{:.0f},"
      "\"p50_us\":{:.0f},\"p99_us\":{:.0f},\"max_us\":{:.0f}}}\n",
      writers, static_cast<double>(latencies.size()) / took, at(0.5), at(0.99), at(1));
}

}  // namespace

int main(int argc, char** argv) {
  std::string folder = argc > 1 ? argv[1] : ".";
  double seconds = argc > 2 ? std::atof(argv[2]) : 5;
  folder += "/sql_bench.tmp";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  {
    auto db = sql::open_sqlite({.path = folder + "/bench.db"});
    if (!db) {
      fmt::print(stderr, "{}\n", db.error().text);
      return 1;
    }
    make_tables(**db);
    for (int writers : {1, 10, 50, 200}) measure(**db, writers, seconds);
  }
  std::filesystem::remove_all(folder);
}
