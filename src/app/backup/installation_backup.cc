#include "app/backup/installation_backup.h"

#include "app/backup/file_set.h"
#include "app/transfer/file_writer.h"
#include "blob/segment_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <sstream>
#include <unistd.h>

namespace todoke::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view list_name = "backup.json";
constexpr std::uint64_t piece_size = 1 << 20;

// A folder that goes with the object, unless it was kept.
class Scratch {
 public:
  static Result<Scratch> make(const std::string& path) {
    std::error_code error;
    if (fs::exists(path, error))
      return fail(Errc::conflict,
                  fmt::format("{} exists: a backup runs, or was cut off; remove it then", path));
    if (!fs::create_directory(path, error) || error)
      return fail(Errc::unavailable, fmt::format("cannot create {}: {}", path, error.message()));
    fs::permissions(path, fs::perms::owner_all, error);
    return Scratch(path);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  Result<> keep_as(const std::string& path) {
    std::error_code error;
    fs::rename(path_, path, error);
    if (error)
      return fail(Errc::unavailable, fmt::format("cannot create {}: {}", path, error.message()));
    path_.clear();
    return {};
  }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<> stop_if_cancelled(const Progress& progress) {
  if (progress.cancelled()) return fail(Errc::unavailable, "it was stopped");
  return {};
}

// Gives every segment of `from` a second name in `to`.
Result<> link_segments(const std::string& from, const std::string& to) {
  std::error_code error;
  for (fs::directory_iterator entry(from, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (name.ends_with(".part")) continue;
    std::error_code linked;
    fs::create_hard_link(entry->path(), to + "/" + name, linked);
    // Gone meanwhile: compacted before the database was copied, so nobody refers to it.
    if (linked && linked != std::errc::file_exists &&
        linked != std::errc::no_such_file_or_directory)
      return fail(Errc::unavailable, fmt::format("cannot link {}: {}", name, linked.message()));
  }
  if (error)
    return fail(Errc::unavailable, fmt::format("cannot list {}: {}", from, error.message()));
  return {};
}

// The data of the installation besides database and bodies: its certificate.
std::vector<std::string> other_files(const Config& config) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(config.data, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    auto name = entry->path().filename().string();
    if (entry->is_regular_file(ignored) && name.ends_with(".pem")) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

struct Source {
  std::string from;
  std::string path;  // in the backup
};

Result<std::vector<Source>> list_sources(const Config& config, const std::string& links) {
  std::vector<Source> sources;
  std::error_code error;
  for (fs::directory_iterator entry(links, error), end; !error && entry != end;
       entry.increment(error))
    sources.push_back({entry->path().string(), "blobs/" + entry->path().filename().string()});
  if (error) return fail(Errc::unavailable, "cannot list " + links + ": " + error.message());
  for (const auto& name : other_files(config)) sources.push_back({config.data + "/" + name, name});
  std::ranges::sort(sources, {}, &Source::path);
  return sources;
}

Result<> copy_all(const std::vector<Source>& sources, const std::string& to, Progress& progress) {
  std::uint64_t total = 0, done = 0;
  for (const auto& source : sources) {
    std::error_code ignored;
    total += fs::file_size(source.from, ignored);
  }
  auto told = [&](std::uint64_t bytes) -> Result<> {
    progress.report(done += bytes, total, "bytes copied");
    return stop_if_cancelled(progress);
  };
  for (const auto& source : sources)
    TRY_OK(copy_file(source.from, to + "/" + source.path, source.path, told));
  return {};
}

struct Body {
  std::int64_t id;
  blob::Location at;
};

Result<std::uint64_t> read_back(sql::Db& db, blob::Store& blobs, Progress& progress) {
  auto count = [](sql::Tx& tx) { return tx.first<std::uint64_t>("select count(*) from blob"); };
  auto total = block_on(db.read(count)).value_or(0);
  std::uint64_t done = 0;
  std::int64_t after = 0;
  for (;;) {
    std::vector<Body> bodies;
    auto query = [&](sql::Tx& tx) {
      bodies.clear();
      auto take = [&](const sql::Row& row) {
        bodies.push_back({row.integer(0),
                          {.segment = row.get<std::uint64_t>(1),
                           .offset = row.get<std::uint64_t>(2),
                           .stored = row.get<std::uint64_t>(3),
                           .size = row.get<std::uint64_t>(4)}});
      };
      tx.each(
          "select id, segment, position, stored, size from blob where id > $1 "
          "order by id limit 1000",
          take, after);
    };
    block_on(db.read(query));
    if (bodies.empty()) return done;
    for (const auto& body : bodies) {
      TRY_OK(stop_if_cancelled(progress));
      progress.report(++done, total, "messages read back");
      for (std::uint64_t offset = 0; offset < body.at.size; offset += piece_size) {
        auto piece = blobs.read(body.at, offset, piece_size);
        if (!piece || piece->empty())
          return fail(Errc::corrupt,
                      fmt::format("a message in segment {} at {} cannot be read from the copy: {}; "
                                  "see todoke check",
                                  body.at.segment, body.at.offset,
                                  piece ? "it ends early" : piece.error().text));
      }
    }
    after = bodies.back().id;
  }
}

// Opens the copy as a server would, reads every body, and closes it again.
Result<std::uint64_t> verify_copy(const std::string& folder, Progress& progress) {
  std::uint64_t messages = 0;
  {
    blob::SystemFiles files;
    TRY(auto db, sql::open_sqlite({.path = folder + "/todoke.db"}));
    TRY(auto blobs, blob::open_segments(files, folder + "/blobs"));
    TRY(messages, read_back(*db, *blobs, progress));
  }
  for (const char* left : {"/todoke.db.lock", "/todoke.db-wal", "/todoke.db-shm"}) {
    std::error_code error;
    if (left == std::string_view("/todoke.db-wal") && fs::file_size(folder + left, error) > 0 &&
        !error)
      return fail(Errc::corrupt, "the copy of the database could not be closed");
    fs::remove(folder + left, error);
  }
  return messages;
}

Result<BackupSummary> write_list(const std::string& folder, const std::string& created_at,
                                 Progress& progress) {
  std::vector<BackupFile> files;
  BackupSummary summary;
  std::error_code error;
  auto told = [&](std::uint64_t bytes) -> Result<> {
    progress.report(summary.bytes += bytes, 0, "bytes summed");
    return stop_if_cancelled(progress);
  };
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    auto path = entry->path().string();
    TRY(auto file, sum_file(path, path.substr(folder.size() + 1), told));
    files.push_back(std::move(file));
  }
  if (error) return fail(Errc::unavailable, "cannot list " + folder + ": " + error.message());
  std::ranges::sort(files, {}, &BackupFile::path);
  TRY(auto list, transfer::FileWriter::create(folder + "/" + std::string(list_name)));
  TRY_OK(list.write(render_file_list(files, created_at)));
  TRY_OK(list.close(transfer::FileWriter::Sync::yes));
  TRY_OK(transfer::sync_file_system(folder));
  summary.files = files.size();
  return summary;
}

std::string parent_of(const std::string& path) {
  auto parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

Result<std::vector<BackupFile>> read_list(const std::string& folder) {
  std::ifstream file(folder + "/" + std::string(list_name), std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file)
    return fail(Errc::not_found,
                fmt::format("{} is no whole backup: it has no {}", folder, list_name));
  return parse_file_list(text.view());
}

}  // namespace

// A segment that was begun after the first links, and compacted and removed before the second,
// which takes a minute at least, would be missed; reading back finds that.
Result<BackupSummary> backup_installation(Installation& in, const std::string& folder,
                                          Progress& progress) {
  static std::mutex one_at_a_time;
  std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock) return fail(Errc::conflict, "a backup runs already");
  std::error_code ignored;
  if (fs::exists(folder, ignored)) return fail(Errc::conflict, folder + " exists");
  const auto& config = in.config();
  auto links_path = config.data + "/backup.links";
  fs::remove_all(links_path, ignored);  // of a backup that was killed; only one runs at a time
  TRY(auto links, Scratch::make(links_path));
  TRY(auto part, Scratch::make(folder + ".part"));
  TRY_OK(link_segments(config.blob_folder(), links.path()));
  progress.report(0, 0, "copying the database");
  TRY_OK(in.db().backup_to(part.path() + "/todoke.db"));
  TRY_OK(link_segments(config.blob_folder(), links.path()));
  fs::create_directory(part.path() + "/blobs", ignored);
  TRY(auto sources, list_sources(config, links.path()));
  TRY_OK(copy_all(sources, part.path(), progress));
  TRY(auto messages, verify_copy(part.path(), progress));
  TRY(auto summary, write_list(part.path(), to_rfc3339(in.clock().now()), progress));
  TRY_OK(part.keep_as(folder));
  TRY_OK(transfer::sync_folder(parent_of(folder)));
  summary.messages = messages;
  return summary;
}

Result<BackupSummary> restore_installation(const Config& config, const std::string& folder,
                                           Progress& progress) {
  TRY(auto files, read_list(folder));
  BackupSummary summary{.files = files.size()};
  std::uint64_t total = 0, done = 0;
  for (const auto& file : files) total += file.size;
  auto told = [&](std::uint64_t bytes) -> Result<> {
    progress.report(done += bytes, 2 * total, "bytes compared and copied");
    return stop_if_cancelled(progress);
  };
  // First all is compared, so that a bad backup leaves nothing behind.
  for (const auto& file : files) {
    TRY(auto found, sum_file(folder + "/" + file.path, file.path, told));
    if (found != file)
      return fail(Errc::corrupt,
                  fmt::format("{}/{} is damaged; nothing was restored", folder, file.path));
  }
  std::error_code ignored;
  fs::create_directories(fs::path(config.data).parent_path(), ignored);
  TRY_OK(transfer::make_empty_folder(config.data));
  // The database comes last and under another name at first: without it there is no installation.
  constexpr std::string_view database = "todoke.db";
  for (const auto& file : files) {
    auto target = config.data + "/" + file.path + (file.path == database ? ".part" : "");
    fs::create_directories(fs::path(target).parent_path(), ignored);
    TRY(auto copied, copy_file(folder + "/" + file.path, target, file.path, told));
    if (copied != file) return fail(Errc::corrupt, "the disk did not keep " + file.path);
    summary.bytes += copied.size;
  }
  fs::rename(config.data + "/todoke.db.part", config.database_path(), ignored);
  if (ignored) return fail(Errc::corrupt, "the backup has no database: " + ignored.message());
  TRY_OK(transfer::sync_file_system(config.data));
  auto count = [](sql::Tx& tx) { return tx.first<std::uint64_t>("select count(*) from blob"); };
  TRY(auto db, sql::open_sqlite({.path = config.database_path()}));
  summary.messages = block_on(db->read(count)).value_or(0);
  return summary;
}

}  // namespace todoke::app
