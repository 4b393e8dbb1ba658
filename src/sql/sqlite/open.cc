#include "base/assert.h"
#include "sql/sqlite/database.h"
#include "sql/sqlite/files.h"
#include "sql/sqlite/migrate.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <unistd.h>

namespace todoke::sqlite {
namespace {

Result<> create_private(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(Errc::unavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  constexpr std::string_view magic("SQLite format 3\0", 16);
  char start[16];
  auto length = ::pread(descriptor, start, sizeof start, 0);
  ::close(descriptor);
  if (length < 0)
    return fail(Errc::unavailable, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  if (length > 0 && std::string_view(start, static_cast<std::size_t>(length)) != magic)
    return fail(Errc::corrupt, fmt::format("{} is not a SQLite database", path));
  return sync_folder_of(path);
}

Result<std::unique_ptr<Connection>> open_writer(const sql::SqliteOptions& options, Sync sync,
                                                std::span<const sql::Migration> migrations) {
  auto writer = std::make_unique<Connection>(options.path, Mode::read_write, options.cache_kib);
  TRY_OK(claim(*writer));
  if (writer->first<std::string>("pragma journal_mode = wal") != "wal")
    return fail(Errc::unavailable,
                fmt::format("{}: the file system has no shared memory for a write-ahead log",
                            options.path));
  // Keeping the log file at its size saves growing it again.
  writer->script(fmt::format("pragma synchronous = {}; pragma journal_size_limit = {};",
                             sync == Sync::full ? "full" : "off", 2 * options.checkpoint_bytes));
  TRY_OK(migrate(*writer, migrations, SystemClock().now()));
  return writer;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const sql::SqliteOptions& options, Sync sync,
                                                 std::span<const sql::Migration> migrations) {
  TRY(auto lock, FileLock::take(options.path + ".lock"));
  TRY_OK(create_private(options.path));
  try {
    TRY(auto writer, open_writer(options, sync, migrations));
    std::unique_ptr<Database> database(new Database(options, std::move(lock), std::move(writer)));
    database->start();
    return database;
  } catch (const sql::Unavailable& e) {
    return fail(Errc::unavailable, e.what());
  }
}

Result<std::unique_ptr<ScratchFolder>> ScratchFolder::create() {
  const char* configured = std::getenv("TMPDIR");
  for (std::string parent : {"/dev/shm", configured != nullptr ? configured : "/tmp"}) {
    auto path = parent + "/todoke-XXXXXX";
    if (::mkdtemp(path.data()) != nullptr) return std::make_unique<ScratchFolder>(path);
  }
  return fail(Errc::unavailable, "no folder for temporary files; set TMPDIR");
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace todoke::sqlite

namespace todoke::sql {

Result<std::unique_ptr<Db>> open_sqlite(const SqliteOptions& options) {
  return sqlite::Database::open(options, sqlite::Sync::full, migrations());
}

std::unique_ptr<Db> open_memory() {
  auto folder = sqlite::ScratchFolder::create();
  if (!folder) throw Unavailable(folder.error().text);
  // Its log is memory too.
  SqliteOptions options{.path = (*folder)->path() + "/memory.db", .checkpoint_bytes = 4u << 20};
  auto database = sqlite::Database::open(options, sqlite::Sync::off, migrations());
  if (!database) throw Unavailable(database.error().text);
  (*database)->own(*std::move(folder));
  return *std::move(database);
}

}  // namespace todoke::sql
