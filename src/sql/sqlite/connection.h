#pragma once

#include "sql/tx.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

struct sqlite3;
struct sqlite3_stmt;

namespace todoke::sqlite {

enum class Mode { read_write, read_only };

// One connection to a SQLite file with its prepared statements.  Used by one thread at a time.
class Connection final : public sql::Tx {
 public:
  // Throws sql::Unavailable.  `cache_kib` is the page cache.
  Connection(const std::string& path, Mode mode, std::size_t cache_kib);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Runs statements that are no literals of ours: pragmas with values, migrations.
  void script(const std::string& text);
  // Ends the transaction, if one is open, without its changes.  Never throws.
  void rollback() noexcept;
  // False also after SQLite undid a transaction by itself, as it may when the disk is full.
  bool in_transaction() const;
  // Grows whenever a statement changed something, even if that is undone later.
  std::int64_t changes() const;

  // Frames in the write-ahead log after the last commit on this connection.
  std::uint64_t wal_frames() const { return wal_frames_; }
  enum class Checkpoint { passive, restart, truncate };
  // Copies the write-ahead log into the database.  True: all of it, and with `restart` and
  // `truncate` the next commit starts the log anew.  False: readers still need parts of it.
  bool checkpoint(Checkpoint kind);

  sqlite3* handle() const { return database_; }
  // Turns a result code of SQLite into its exception, with words for an administrator; ends the
  // process if only a bug of ours can be the cause.
  [[noreturn]] void raise(int code, const char* statement) const;

 protected:
  std::int64_t execute(sql::Sql sql, std::span<const sql::Param> params,
                       const OnRow* on_row) override;

 private:
  struct Statement;
  class Use;
  std::unique_ptr<Statement> prepare(const char* text) const;
  void bind(Statement& statement, std::span<const sql::Param> params) const;

  std::string path_;
  sqlite3* database_ = nullptr;
  // By the literal's address: a statement is looked up without reading its text.
  std::unordered_map<const char*, std::unique_ptr<Statement>> statements_;
  std::int64_t schema_changes_ = 0;
  std::uint64_t wal_frames_ = 0;
};

}  // namespace todoke::sqlite
