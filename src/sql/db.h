#pragma once

#include "base/result.h"
#include "base/task.h"
#include "sql/tx.h"

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace todoke::sql {

// A closure on its way through a database thread.
class Job {
 public:
  virtual ~Job() = default;
  // Runs the closure and keeps its answer.  False: its writes must be undone, and the answer stays
  // (the closure returned an error).  Exceptions pass through.  May be called again after an undo.
  virtual bool run(Tx& tx) = 0;
  // Called by the driver when what run() wrote is durable, before `done`; in the order of the
  // commits, and never for a job that failed.
  virtual void committed() {}

  // Called by the driver when it is through with the job, which may be gone when this returns.
  virtual void finished() { done.set(); }

  std::exception_ptr failure;  // set by the driver when the job could not be done
  Completion done;
  Job* next = nullptr;  // the driver's queue
};

// A database.  Any thread may call read and write; closures run on the database's own threads.
//
//   auto work = [&](sql::Tx& tx) { … };      // named first; plain synchronous SQL
//   auto uid = co_await db.write(work);      // resumes once the commit is durable
//   auto rows = co_await db.read(query);     // one consistent snapshot
//
// A closure returns a value, nothing, or a Result; a Result that holds an error undoes the
// closure's writes, and only these.  A closure must be fit to run twice: writes that share a commit
// with a failing neighbour are run again, and PostgreSQL asks for retries.  It captures by
// reference (its caller is suspended meanwhile) and touches nothing that another thread may change.
class Db {
 public:
  virtual ~Db() = default;

  template <std::invocable<Tx&> F>
  Task<std::invoke_result_t<F&, Tx&>> write(F& work) {  // NOLINT: named by the awaiting caller
    TypedJob<F> job(work);
    submit_write(job);
    co_await job.done.wait();
    co_return job.take();
  }
  // The same, and `announce` is called as soon as the commit is durable, on the database's thread,
  // in the order of the commits; not when the closure failed or returned an error.  Brief, no
  // throws.
  template <std::invocable<Tx&> F, std::invocable<> G>
  Task<std::invoke_result_t<F&, Tx&>> write(F& work, G& announce) {  // NOLINT: as above
    AnnouncedJob<F, G> job(work, announce);
    submit_write(job);
    co_await job.done.wait();
    co_return job.take();
  }
  template <std::invocable<Tx&> F>
  Task<std::invoke_result_t<F&, Tx&>> read(F& query) {  // NOLINT: named by the awaiting caller
    TypedJob<F> job(query);
    submit_read(job);
    co_await job.done.wait();
    co_return job.take();
  }

  // A read that goes on while its caller works: for the next piece of a long answer.
  template <std::invocable<Tx&> F>
  class Begun;
  template <std::invocable<Tx&> F>
  Begun<F> begin_read(F query) {
    return Begun<F>(*this, std::move(query));
  }

  // Called on the writer thread before each commit that holds changes, with the rows written and
  // not yet durable: what the rows refer to (message bodies) must be made durable here.  A throw
  // undoes the whole group, and each of its jobs gets Unavailable with the words of what was
  // thrown. Set once, before the first write.
  virtual void before_commit(std::function<void()> hook) = 0;

  // A consistent copy of the whole database into a new file or database, while it is in use.
  // Durable on return.  Blocks the caller for as long as the copy takes, and nobody else.
  // Errc::conflict: the target exists.
  virtual Result<> backup_to(const std::string& target) = 0;

  // For drivers and what stands before one.  Hands the job to a thread; its `done` is set when it
  // is through.  Never blocks, never throws.
  virtual void submit_write(Job& job) = 0;
  virtual void submit_read(Job& job) = 0;

 private:
  template <class F>
  class TypedJob : public Job {
   public:
    using Answer = std::invoke_result_t<F&, Tx&>;
    explicit TypedJob(F& work) : work_(work) {}

    bool run(Tx& tx) override {
      if constexpr (std::is_void_v<Answer>)
        work_(tx);
      else
        answer_.emplace(work_(tx));
      return kept();
    }
    Answer take() {
      if (failure) std::rethrow_exception(failure);
      if constexpr (!std::is_void_v<Answer>) return *std::move(answer_);
    }

   protected:
    bool kept() const {
      if constexpr (requires { answer_->error(); })
        return answer_->has_value();
      else
        return true;
    }

   private:
    F& work_;
    std::optional<std::conditional_t<std::is_void_v<Answer>, bool, Answer>> answer_;
  };

  template <class F, class G>
  class AnnouncedJob final : public TypedJob<F> {
   public:
    AnnouncedJob(F& work, G& announce) : TypedJob<F>(work), announce_(announce) {}
    void committed() override {
      if (this->kept()) announce_();
    }

   private:
    G& announce_;
  };
};

// May be dropped at any time: the query then runs to its end and nobody hears of it, so it captures
// by value.
template <std::invocable<Tx&> F>
class Db::Begun {
 public:
  // Once.
  [[nodiscard]] Task<std::invoke_result_t<F&, Tx&>> answer() {
    auto state = std::move(state_);
    co_await state->done.wait();
    co_return state->take();
  }

 private:
  friend Db;
  struct State final : TypedJob<F> {
    explicit State(F wanted) : TypedJob<F>(query), query(std::move(wanted)) {}
    void finished() override {
      auto keep = std::move(self);
      this->done.set();
    }
    F query;
    std::shared_ptr<State> self;  // until the driver is through
  };
  Begun(Db& db, F query) : state_(std::make_shared<State>(std::move(query))) {
    state_->self = state_;
    db.submit_read(*state_);
  }

  std::shared_ptr<State> state_;
};

struct SqliteOptions {
  std::string path;  // of the database file; its folder exists
  int readers = 2;   // read-only connections, one thread each
  std::size_t cache_kib =
      std::size_t{16} * 1024;                  // page cache of the writer; readers take a quarter
  std::size_t checkpoint_bytes = 64ull << 20;  // the write-ahead log is folded in at this size
};

// Opens or creates the database, WAL with synchronous=FULL, and applies the missing migrations of
// `schema.h`.  Fails when the file is no database of ours (Errc::corrupt), is newer than this
// program (Errc::invalid), is in use by another process (Errc::conflict) or cannot be opened
// (Errc::unavailable).  Closing waits for the jobs that were submitted.
Result<std::unique_ptr<Db>> open_sqlite(const SqliteOptions& options);

// A migrated database of its own in memory, for tests.  It is open_sqlite on a file of a memory
// file system (/dev/shm, else TMPDIR) that is never synced and is removed at close, so that it
// behaves like the real one in all but durability.
std::unique_ptr<Db> open_memory();

}  // namespace todoke::sql
