#pragma once

#include "base/clock.h"
#include "base/metrics.h"
#include "sql/db.h"
#include "sql/schema.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/file_lock.h"
#include "sql/sqlite/job_queue.h"
#include "sql/sqlite/log_copier.h"

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace todoke::sqlite {

enum class Sync { full, off };

// A new folder for one database, removed with all that is in it.
class ScratchFolder {
 public:
  static Result<std::unique_ptr<ScratchFolder>> create();
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A SQLite file behind sql::Db: one writing thread whose commits serve all jobs that wait, and a
// few reading threads.  Ends when the jobs that were submitted are done.
class Database final : public sql::Db {
 public:
  // What open_sqlite promises, for any list of migrations.
  static Result<std::unique_ptr<Database>> open(const sql::SqliteOptions& options, Sync sync,
                                                std::span<const sql::Migration> migrations);
  ~Database() override;
  // Lets the folder end with the database.
  void own(std::unique_ptr<ScratchFolder> folder) { folder_ = std::move(folder); }

  void before_commit(std::function<void()> hook) override;
  Result<> backup_to(const std::string& target) override;

 protected:
  void submit_write(sql::Job& job) override;
  void submit_read(sql::Job& job) override;

 private:
  Database(const sql::SqliteOptions& options, FileLock lock, std::unique_ptr<Connection> writer);
  void start();

  void write_loop();
  void commit_group(sql::Job& first);
  bool run_group(sql::Job& first);
  void run_group_apart();
  sql::Job* try_apart(const std::vector<sql::Job*>& left_out);
  bool attempt(sql::Job& job);
  void end_group();
  void fail_group(const std::string& why);
  void read_loop(Connection& connection);
  static void read(Connection& connection, sql::Job& job);
  void fold_log();
  std::uint64_t log_bytes() const;

  std::unique_ptr<ScratchFolder> folder_;
  sql::SqliteOptions options_;
  FileLock lock_;
  SystemClock clock_;  // measures the machine: commit times, the length of a group
  std::unique_ptr<Connection> writer_;
  std::vector<std::unique_ptr<Connection>> readers_;
  std::unique_ptr<LogCopier> copier_;
  JobQueue writes_;
  JobQueue reads_;
  std::function<void()> hook_;
  std::vector<sql::Job*> group_;  // the jobs of the open transaction
  std::int64_t clean_ = 0;        // Connection::changes() when it began
  bool failing_ = false;          // the last group could not be committed, and the log says so
  std::uint64_t fold_at_;         // size of the log at which to fold it next
  std::atomic<std::uint64_t> frames_{0};  // in the log

  metrics::Histogram commit_seconds_;
  metrics::Histogram group_jobs_;
  metrics::Gauge waiting_writes_;
  metrics::Gauge waiting_reads_;
  metrics::Gauge log_size_;

  std::vector<std::thread> threads_;
};

}  // namespace todoke::sqlite
