#include "support/memory_vfs.h"

#include "base/assert.h"

#include <sqlite3.h>

#include <cstring>
#include <memory>
#include <string>

namespace todoke::test {
namespace {

blob::MemoryFiles* disk = nullptr;
sqlite3_vfs* real_vfs = nullptr;
sqlite3_vfs memory_vfs;

// A file of SQLite.  The database itself has one of SQLite's own driver behind it, for its locks.
struct File {
  sqlite3_file base;
  blob::File* memory;  // owned
  const char* name;    // SQLite keeps it for as long as the file is open
  bool name_is_new;    // and made durable by the next sync, as SQLite's own driver does
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& as_file(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

// For what only the database itself is asked: locks, shared memory, controls.
template <auto Method>
struct Forward;
template <class... Args, int (*sqlite3_io_methods::*Method)(sqlite3_file*, Args...)>
struct Forward<Method> {
  static int call(sqlite3_file* file, Args... args) {
    auto* real = as_file(file).real();
    return real->pMethods == nullptr ? SQLITE_OK : (real->pMethods->*Method)(real, args...);
  }
};

void barrier(sqlite3_file* file) {
  auto* real = as_file(file).real();
  real->pMethods->xShmBarrier(real);
}

int close(sqlite3_file* file) {
  delete as_file(file).memory;
  return Forward<&sqlite3_io_methods::xClose>::call(file);
}

int read(sqlite3_file* file, void* into, int length, sqlite3_int64 at) {
  std::span span(static_cast<char*>(into), static_cast<std::size_t>(length));
  auto count = as_file(file).memory->pread(span, static_cast<std::uint64_t>(at));
  if (!count) return SQLITE_IOERR_READ;
  if (*count == span.size()) return SQLITE_OK;
  std::memset(span.data() + *count, 0, span.size() - *count);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* file, const void* data, int length, sqlite3_int64 at) {
  std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(length));
  auto written = as_file(file).memory->pwrite(bytes, static_cast<std::uint64_t>(at));
  return written ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  auto done = as_file(file).memory->truncate(static_cast<std::uint64_t>(size));
  return done ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync(sqlite3_file* file, int) {
  auto& f = as_file(file);
  if (!f.memory->fdatasync()) return SQLITE_IOERR_FSYNC;
  if (f.name_is_new && !disk->sync_directory(folder_of(f.name))) return SQLITE_IOERR_DIR_FSYNC;
  f.name_is_new = false;
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  auto now = as_file(file).memory->size();
  if (!now) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(*now);
  return SQLITE_OK;
}

// The real file is empty and stays so.
int control(sqlite3_file* file, int operation, void* argument) {
  if (as_file(file).real()->pMethods == nullptr || operation == SQLITE_FCNTL_SIZE_HINT ||
      operation == SQLITE_FCNTL_MMAP_SIZE)
    return SQLITE_NOTFOUND;
  return Forward<&sqlite3_io_methods::xFileControl>::call(file, operation, argument);
}

// What SQLite's own driver says on Linux: neighbours of what is written stay as they are.
int characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}
int sector_size(sqlite3_file*) {
  return 4096;
}

const sqlite3_io_methods& methods() {
  using M = sqlite3_io_methods;
  static const M all = [] {
    M m{};
    m.iVersion = 2;
    m.xClose = close;
    m.xRead = read;
    m.xWrite = write;
    m.xTruncate = truncate;
    m.xSync = sync;
    m.xFileSize = file_size;
    m.xLock = Forward<&M::xLock>::call;
    m.xUnlock = Forward<&M::xUnlock>::call;
    m.xCheckReservedLock = Forward<&M::xCheckReservedLock>::call;
    m.xFileControl = control;
    m.xSectorSize = sector_size;
    m.xDeviceCharacteristics = characteristics;
    m.xShmMap = Forward<&M::xShmMap>::call;
    m.xShmLock = Forward<&M::xShmLock>::call;
    m.xShmBarrier = barrier;
    m.xShmUnmap = Forward<&M::xShmUnmap>::call;
    return m;
  }();
  return all;
}

Result<std::unique_ptr<blob::File>> open_or_create(const std::string& path, int flags,
                                                   bool& created) {
  auto found = disk->open(path, blob::Access::read_write);
  created = !found && found.error().code == Errc::not_found && (flags & SQLITE_OPEN_CREATE) != 0;
  if (created) return disk->open(path, blob::Access::create);
  return found;
}

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& f = as_file(file);
  f.base.pMethods = nullptr;
  f.real()->pMethods = nullptr;
  TODOKE_ASSERT(name != nullptr);  // temporary files are in memory
  bool created = false;
  auto opened = open_or_create(name, flags, created);
  if (!opened) return SQLITE_CANTOPEN;
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    // The name of the database itself is made durable by sql::open_sqlite.
    if (created && !disk->sync_directory(folder_of(name))) return SQLITE_CANTOPEN;
    created = false;
    if (int code = real_vfs->xOpen(real_vfs, name, f.real(), flags, out_flags); code != SQLITE_OK)
      return code;
  }
  if (out_flags != nullptr) *out_flags = flags;
  f.memory = opened->release();
  f.name = name;
  f.name_is_new = created;
  f.base.pMethods = &methods();
  return SQLITE_OK;
}

int remove(sqlite3_vfs*, const char* name, int sync_folder) {
  auto removed = disk->remove(name);
  if (!removed)
    return removed.error().code == Errc::not_found ? SQLITE_IOERR_DELETE_NOENT
                                                   : SQLITE_IOERR_DELETE;
  if (sync_folder != 0 && !disk->sync_directory(folder_of(name))) return SQLITE_IOERR_DIR_FSYNC;
  return SQLITE_OK;
}

int access(sqlite3_vfs*, const char* name, int, int* there) {
  auto found = disk->open(name, blob::Access::read);
  if (!found && found.error().code != Errc::not_found) return SQLITE_IOERR_ACCESS;
  *there = found ? 1 : 0;
  return SQLITE_OK;
}

}  // namespace

MemoryVfs::MemoryVfs(blob::MemoryFiles& files) {
  TODOKE_ASSERT(disk == nullptr);
  disk = &files;
  real_vfs = sqlite3_vfs_find(nullptr);
  memory_vfs = *real_vfs;
  memory_vfs.zName = "todoke-memory";
  memory_vfs.szOsFile += static_cast<int>(sizeof(File));
  memory_vfs.xOpen = open;
  memory_vfs.xDelete = remove;
  memory_vfs.xAccess = access;
  TODOKE_ASSERT(sqlite3_vfs_register(&memory_vfs, 1) == SQLITE_OK);
}

MemoryVfs::~MemoryVfs() {
  sqlite3_vfs_unregister(&memory_vfs);
  sqlite3_vfs_register(real_vfs, 1);
  disk = nullptr;
}

}  // namespace todoke::test
