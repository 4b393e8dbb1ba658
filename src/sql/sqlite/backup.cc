#include "sql/sqlite/database.h"
#include "sql/sqlite/files.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <filesystem>

namespace todoke::sqlite {
namespace {

constexpr std::size_t copy_cache_kib = 2048;

// All pages in one step are one snapshot: in a write-ahead log it stands still for this reader
// while the writer goes on.  Smaller steps would start over whenever somebody writes.
void copy_pages(const std::string& from, const std::string& to) {
  Connection source(from, Mode::read_only, copy_cache_kib);
  Connection copy(to, Mode::read_write, copy_cache_kib);
  auto* backup = sqlite3_backup_init(copy.handle(), "main", source.handle(), "main");
  if (backup == nullptr) copy.raise(sqlite3_errcode(copy.handle()), "backup");
  sqlite3_backup_step(backup, -1);
  int code = sqlite3_backup_finish(backup);
  if (code != SQLITE_OK) copy.raise(code, "backup");
  // The copied header asks for a write-ahead log; a backup is one file.
  copy.script("pragma journal_mode = delete");
}

Result<> rename_durably(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error)
    return fail(Errc::unavailable, fmt::format("cannot create {}: {}", to, error.message()));
  return sync_folder_of(to);
}

}  // namespace

Result<> Database::backup_to(const std::string& target) {
  std::error_code ignored;
  if (std::filesystem::exists(target, ignored))
    return fail(Errc::conflict, fmt::format("{} exists", target));
  const auto part = target + ".part";
  std::filesystem::remove(part, ignored);
  auto copy = [&]() -> Result<> {
    copy_pages(options_.path, part);
    TRY_OK(sync_file(part));
    return rename_durably(part, target);
  };
  Result<> done;
  try {
    done = copy();
  } catch (const sql::Unavailable& e) {
    done = fail(Errc::unavailable, e.what());
  }
  std::filesystem::remove(part, ignored);
  return done;
}

}  // namespace todoke::sqlite
