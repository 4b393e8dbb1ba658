#include "sql/sqlite/database.h"

#include "base/log.h"

#include <algorithm>
#include <pthread.h>
#include <utility>

namespace todoke::sqlite {

using sql::Job;
using std::chrono::milliseconds;

namespace {

// Bounds of one commit: how many share it, and how long the first may wait for the last.
constexpr std::size_t max_group = 1000;
constexpr milliseconds max_group_time{5};

// How many jobs of a group may lack room before it is the disk that is full.
constexpr std::size_t max_left_out = 2;

// The log may grow to so many times SqliteOptions::checkpoint_bytes while it is being copied.
constexpr std::uint64_t max_log = 4;
constexpr std::uint64_t frame_bytes = 4096 + 24;  // a page and its header in the log

double seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

Database::Database(const sql::SqliteOptions& options, FileLock lock,
                   std::unique_ptr<Connection> writer)
    : options_(options),
      lock_(std::move(lock)),
      writer_(std::move(writer)),
      fold_at_(options.checkpoint_bytes),
      commit_seconds_("sql_commit_seconds", "Time of one commit to disk.", 50e-6),
      group_jobs_("sql_group_jobs", "Writes that shared one commit.", 1),
      waiting_writes_("sql_queue_jobs", "Jobs that wait for a database thread.", "queue=\"write\"",
                      [this] { return static_cast<double>(writes_.size()); }),
      waiting_reads_("sql_queue_jobs", "Jobs that wait for a database thread.", "queue=\"read\"",
                     [this] { return static_cast<double>(reads_.size()); }),
      log_size_("sql_wal_bytes", "Bytes in the write-ahead log.", "",
                [this] { return static_cast<double>(log_bytes()); }) {
  group_.reserve(max_group);
}

void Database::start() {
  copier_ = std::make_unique<LogCopier>(options_.path);
  threads_.emplace_back([this] { write_loop(); });
  pthread_setname_np(threads_.back().native_handle(), "sql-writer");
  for (int i = 0; i < std::max(options_.readers, 1); ++i) {
    readers_.push_back(
        std::make_unique<Connection>(options_.path, Mode::read_only, options_.cache_kib / 4));
    auto& connection = *readers_.back();
    threads_.emplace_back([this, &connection] { read_loop(connection); });
    pthread_setname_np(threads_.back().native_handle(), "sql-reader");
  }
}

Database::~Database() {
  writes_.close();
  reads_.close();
  for (auto& thread : threads_) thread.join();
  copier_ = nullptr;
  readers_.clear();
  try {
    writer_->checkpoint(Connection::Checkpoint::truncate);
  } catch (const std::exception& e) {
    // Nothing is lost: the next start reads the log.
    log::error("sql.checkpoint", {{"error", e.what()}});
  }
}

void Database::before_commit(std::function<void()> hook) {
  hook_ = std::move(hook);
}

void Database::submit_write(Job& job) {
  writes_.push(job);
}

void Database::submit_read(Job& job) {
  reads_.push(job);
}

void Database::write_loop() {
  while (Job* first = writes_.wait()) {
    commit_group(*first);
    writes_.finished();
    fold_log();
  }
}

// One transaction for `first` and all that wait.  However it ends, every job of it is done.
void Database::commit_group(Job& first) {
  group_.clear();
  try {
    if (!run_group(first)) run_group_apart();
    end_group();
    if (std::exchange(failing_, false)) log::info("sql.recovered");
  } catch (const std::exception& e) {
    fail_group(e.what());
  } catch (...) {
    fail_group("the work before the commit failed");
  }
  group_jobs_.observe(static_cast<double>(group_.size()));
  frames_ = writer_->wal_frames();
  for (Job* job : group_) {
    if (!job->failure) job->committed();
    job->finished();  // after this the job is gone
  }
}

// Runs the jobs one after the other, with no means to undo a single one: hardly any fails after it
// wrote.  Those that arrive meanwhile still come along.  False: one has to be undone.
bool Database::run_group(Job& first) {
  group_.push_back(&first);
  clean_ = writer_->changes();
  writer_->run("begin immediate");
  const auto end = clock_.steady() + max_group_time;
  for (Job* job = &first;;) {
    if (!attempt(*job)) return false;
    if (group_.size() == max_group || clock_.steady() >= end) return true;
    job = writes_.take();
    if (job == nullptr) return true;
    group_.push_back(job);
  }
}

// The same jobs again, each in a savepoint.  A job that has no room may make SQLite undo the whole
// transaction; it is left out and the others run once more.  If that helps not, the disk is full.
void Database::run_group_apart() {
  std::vector<Job*> left_out;
  while (Job* culprit = try_apart(left_out)) {
    if (!culprit->failure)
      culprit->failure = std::make_exception_ptr(sql::Unavailable("the transaction was undone"));
    left_out.push_back(culprit);
    if (left_out.size() > max_left_out) std::rethrow_exception(culprit->failure);
  }
}

// Answers the job on which the transaction was lost, if one was.
Job* Database::try_apart(const std::vector<Job*>& left_out) {
  writer_->rollback();
  writer_->run("begin immediate");
  for (Job* job : group_) {
    if (std::ranges::find(left_out, job) != left_out.end()) continue;
    writer_->run("savepoint job");
    bool keep = attempt(*job);
    if (!writer_->in_transaction()) return job;
    if (!keep) writer_->run("rollback to job");
    writer_->run("release job");
  }
  return nullptr;
}

// Runs a job.  False: it failed and left changes.
bool Database::attempt(Job& job) {
  const auto before = writer_->changes();
  job.failure = nullptr;
  bool kept = false;
  try {
    kept = job.run(*writer_);
  } catch (...) {
    job.failure = std::current_exception();
  }
  if (!writer_->in_transaction()) return false;
  return kept || writer_->changes() == before;
}

void Database::end_group() {
  const auto start = clock_.steady();
  if (hook_ && writer_->changes() != clean_) hook_();
  writer_->run("commit");
  commit_seconds_.observe(seconds(clock_.steady() - start));
}

// Undoes the group and answers its jobs.  All that wait share the fate of the group: what ails the
// database ails them, and each would otherwise find out by itself, slowly.
void Database::fail_group(const std::string& why) {
  writer_->rollback();
  while (group_.size() < max_group) {
    Job* job = writes_.take();
    if (job == nullptr) break;
    group_.push_back(job);
  }
  // One line for a full disk, not one for each attempt to write to it.
  if (!std::exchange(failing_, true))
    log::error("sql.commit", {{"error", why}, {"jobs", group_.size()}});
  for (Job* job : group_) job->failure = std::make_exception_ptr(sql::Unavailable(why));
}

void Database::read_loop(Connection& connection) {
  while (Job* job = reads_.wait()) {
    read(connection, *job);
    reads_.finished();
    job->finished();
  }
}

void Database::read(Connection& connection, Job& job) {
  try {
    connection.run("begin");
    job.run(connection);
    connection.run("commit");
  } catch (...) {
    job.failure = std::current_exception();
    connection.rollback();
  }
}

std::uint64_t Database::log_bytes() const {
  return frames_.load(std::memory_order_relaxed) * frame_bytes;
}

// Called between two groups.  When the log has grown, has it copied into the database file, and
// when that is done, lets it start anew.  That takes a moment when nobody reads from the log, and
// under constant reading the moment must be made: the readers are held for as long as the log's
// excess seems worth.
void Database::fold_log() {
  switch (copier_->state()) {
    case LogCopier::State::idle:
      if (log_bytes() >= fold_at_) copier_->start();
      return;
    case LogCopier::State::copying:
      // Commits that come faster than the disk can copy them must wait for it.
      if (log_bytes() < max_log * options_.checkpoint_bytes) return;
      copier_->wait();
      break;
    case LogCopier::State::copied:
      break;
  }
  const auto excess = log_bytes() / std::max<std::uint64_t>(options_.checkpoint_bytes, 1);
  bool folded = false;
  reads_.pause(milliseconds(50 * std::min<std::uint64_t>(excess, 100)));
  try {
    folded = writer_->checkpoint(Connection::Checkpoint::restart);
  } catch (const std::exception&) {
    folded = false;  // the disk refused, and the copier has said so
  }
  reads_.resume();
  frames_ = writer_->wal_frames();
  // Not soon again if readers or the disk prevent it, as each attempt costs a sync.
  fold_at_ = folded ? options_.checkpoint_bytes : log_bytes() + options_.checkpoint_bytes / 4;
  copier_->acknowledge();
}

}  // namespace todoke::sqlite
