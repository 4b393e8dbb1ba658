#include "sql/sqlite/connection.h"

#include "base/assert.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <mutex>
#include <vector>

namespace todoke::sqlite {

using sql::Param;
using sql::Sql;

namespace {

// A checkpoint or a tool that an administrator runs may hold a lock for a moment.
constexpr int busy_milliseconds = 5000;

[[noreturn]] void bug(const char* what, const char* statement) {
  auto text = fmt::format("sqlite: {} in \"{}\"", what, statement);
  assertion_failed(text.c_str(), __FILE__, __LINE__);
}

// Memory statistics cost a process-wide lock at every allocation.
void configure_once() {
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });
}

// Whether the statement changes what SQLite does not count as changed rows: the schema.
bool changes_schema(const char* text) {
  for (const char* verb : {"create", "alter", "drop"})
    if (sqlite3_strnicmp(text, verb, static_cast<int>(std::strlen(verb))) == 0) return true;
  return false;
}

class StatementRow final : public sql::Row {
 public:
  explicit StatementRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, checked(column)) == SQLITE_NULL;
  }
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, checked(column));
  }
  double real(int column) const override {
    return sqlite3_column_double(statement_, checked(column));
  }
  std::string_view text(int column) const override {
    // The order matters: column_bytes answers for the form that column_blob made.
    const void* data = sqlite3_column_blob(statement_, checked(column));
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  int checked(int column) const {
    if (column < 0 || column >= sqlite3_data_count(statement_))
      bug("no such column", sqlite3_sql(statement_));
    return column;
  }
  sqlite3_stmt* statement_;
};

// SQLite reads a null pointer as NULL; an empty text is not NULL.
const char* not_null(std::string_view bytes) {
  return bytes.data() == nullptr ? "" : bytes.data();
}

}  // namespace

struct Connection::Statement {
  ~Statement() { sqlite3_finalize(prepared); }
  sqlite3_stmt* prepared = nullptr;
  // SQLite numbers "$2" by its first appearance, as any name.  numbers[i] is the n of the
  // parameter that SQLite calls i + 1.
  std::vector<std::uint16_t> numbers;
  std::size_t parameters = 0;  // the largest n
  bool changes_schema = false;
  bool read_only = false;
  bool busy = false;
};

// A statement while it runs; afterwards it holds no locks and points at no parameter.
class Connection::Use {
 public:
  explicit Use(Statement& statement) : statement_(statement) { statement_.busy = true; }
  ~Use() {
    sqlite3_reset(statement_.prepared);
    if (statement_.parameters != 0) sqlite3_clear_bindings(statement_.prepared);
    statement_.busy = false;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  Statement& statement_;
};

Connection::Connection(const std::string& path, Mode mode, std::size_t cache_kib) : path_(path) {
  configure_once();
  int flags =
      mode == Mode::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  int code = sqlite3_open_v2(path.c_str(), &database_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  try {
    if (code != SQLITE_OK) raise(code, "open");
    sqlite3_extended_result_codes(database_, 1);
    sqlite3_busy_timeout(database_, busy_milliseconds);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(database_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    script(
        fmt::format("pragma temp_store = memory; pragma cache_size = -{};"
                    "pragma secure_delete = fast;",
                    cache_kib));
    auto on_commit = [](void* self, sqlite3*, const char*, int frames) {
      static_cast<Connection*>(self)->wal_frames_ = static_cast<std::uint64_t>(frames);
      return SQLITE_OK;
    };
    sqlite3_wal_hook(database_, on_commit, this);  // also ends SQLite's automatic checkpoints
  } catch (...) {
    sqlite3_close_v2(database_);
    throw;
  }
}

Connection::~Connection() {
  statements_.clear();
  TODOKE_ASSERT(sqlite3_close(database_) == SQLITE_OK);
}

void Connection::raise(int code, const char* statement) const {
  std::string why = database_ != nullptr ? sqlite3_errmsg(database_) : sqlite3_errstr(code);
  const int kind = code & 0xff;
  if (kind == SQLITE_IOERR || kind == SQLITE_CANTOPEN)
    if (int error = database_ != nullptr ? sqlite3_system_errno(database_) : 0; error != 0)
      why += fmt::format(", {}", std::strerror(error));
  switch (kind) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
      // Parsing has succeeded, so it was a value.
      throw sql::Violation(fmt::format("{} in \"{}\"", why, statement));
    case SQLITE_FULL:
      throw sql::Unavailable(fmt::format("no space left for the database {}: {}", path_, why));
    case SQLITE_IOERR:
      throw sql::Unavailable(fmt::format("the disk fails under the database {}: {} ({})", path_,
                                         why, sqlite3_errstr(code)));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw sql::Unavailable(
          fmt::format("{} is damaged or no database: {}; restore a backup", path_, why));
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw sql::Unavailable(
          fmt::format("cannot open the database {} or a file beside it: {}; check owner and rights",
                      path_, why));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      throw sql::Unavailable(
          fmt::format("another program holds a lock on the database {}: {}", path_, why));
    case SQLITE_READONLY:
      if (code == SQLITE_READONLY && sqlite3_db_readonly(database_, "main") == 1)
        bug("a write on a connection that only reads", statement);
      throw sql::Unavailable(fmt::format("the database {} cannot be written: {}", path_, why));
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      bug(why.c_str(), statement);
    default:
      throw sql::Unavailable(fmt::format("database {}: {}", path_, why));
  }
}

std::unique_ptr<Connection::Statement> Connection::prepare(const char* text) const {
  auto statement = std::make_unique<Statement>();
  const char* rest = nullptr;
  int code = sqlite3_prepare_v3(database_, text, -1, SQLITE_PREPARE_PERSISTENT,
                                &statement->prepared, &rest);
  if ((code & 0xff) == SQLITE_ERROR) bug(sqlite3_errmsg(database_), text);
  if (code != SQLITE_OK) raise(code, text);
  if (statement->prepared == nullptr || rest[std::strspn(rest, "; \n\t")] != '\0')
    bug("not exactly one statement", text);
  statement->changes_schema = changes_schema(text);
  statement->read_only = sqlite3_stmt_readonly(statement->prepared) != 0;
  int count = sqlite3_bind_parameter_count(statement->prepared);
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(statement->prepared, i);
    std::uint16_t number = 0;
    if (name == nullptr || name[0] != '$') bug("a parameter that is not $1…$n", text);
    auto [end, error] = std::from_chars(name + 1, name + std::strlen(name), number);
    if (*end != '\0' || error != std::errc() || number == 0)
      bug("a parameter that is not $1…$n", text);
    statement->numbers.push_back(number);
    statement->parameters = std::max<std::size_t>(statement->parameters, number);
  }
  if (statement->parameters != statement->numbers.size()) bug("a parameter is not used", text);
  return statement;
}

void Connection::bind(Statement& statement, std::span<const Param> params) const {
  auto* prepared = statement.prepared;
  if (params.size() != statement.parameters) bug("wrong number of values", sqlite3_sql(prepared));
  for (std::size_t i = 0; i < params.size(); ++i) {
    const int index = static_cast<int>(i) + 1;
    const Param& param = params[statement.numbers[i] - 1u];
    int code = SQLITE_OK;  // what is not bound is null
    if (auto* integer = std::get_if<std::int64_t>(&param))
      code = sqlite3_bind_int64(prepared, index, *integer);
    else if (auto* text = std::get_if<std::string_view>(&param))
      code = sqlite3_bind_text64(prepared, index, not_null(*text), text->size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    else if (auto* blob = std::get_if<sql::Bytes>(&param))
      code = sqlite3_bind_blob64(prepared, index, not_null(blob->bytes), blob->bytes.size(),
                                 SQLITE_STATIC);
    else if (auto* real = std::get_if<double>(&param))
      code = sqlite3_bind_double(prepared, index, *real);
    if (code != SQLITE_OK) raise(code, sqlite3_sql(prepared));
  }
}

std::int64_t Connection::execute(Sql sql, std::span<const Param> params, const OnRow* on_row) {
  auto& kept = statements_[sql.text()];
  if (!kept) kept = prepare(sql.text());
  // A statement that runs inside the reading of its own rows needs a second copy.
  std::unique_ptr<Statement> second = kept->busy ? prepare(sql.text()) : nullptr;
  Statement& statement = second ? *second : *kept;

  Use use(statement);
  bind(statement, params);
  if (statement.changes_schema) ++schema_changes_;
  const auto before = sqlite3_total_changes64(database_);
  StatementRow row(statement.prepared);
  int code;
  while ((code = sqlite3_step(statement.prepared)) == SQLITE_ROW)
    if (on_row != nullptr && !(*on_row)(row)) {
      if (statement.read_only) break;
      on_row = nullptr;  // what returns rows of its changes makes them all
    }
  if (code != SQLITE_DONE && code != SQLITE_ROW) raise(code, sql.text());
  // SQLite's count for one statement is left over from an earlier one if this changed nothing.
  return sqlite3_total_changes64(database_) != before ? sqlite3_changes64(database_) : 0;
}

std::int64_t Connection::changes() const {
  return sqlite3_total_changes64(database_) + schema_changes_;
}

void Connection::script(const std::string& text) {
  int code = sqlite3_exec(database_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) raise(code, text.c_str());
}

void Connection::rollback() noexcept {
  if (in_transaction()) sqlite3_exec(database_, "rollback", nullptr, nullptr, nullptr);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

bool Connection::checkpoint(Checkpoint kind) {
  int mode = kind == Checkpoint::passive   ? SQLITE_CHECKPOINT_PASSIVE
             : kind == Checkpoint::restart ? SQLITE_CHECKPOINT_RESTART
                                           : SQLITE_CHECKPOINT_TRUNCATE;
  int frames = 0;
  int copied = 0;
  sqlite3_busy_timeout(database_, 0);
  int code = sqlite3_wal_checkpoint_v2(database_, "main", mode, &frames, &copied);
  sqlite3_busy_timeout(database_, busy_milliseconds);
  if ((code & 0xff) == SQLITE_BUSY) return false;
  if (code != SQLITE_OK) raise(code, "checkpoint");
  if (kind != Checkpoint::passive) wal_frames_ = 0;
  return frames == copied;
}

}  // namespace todoke::sqlite
