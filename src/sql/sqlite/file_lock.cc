#include "sql/sqlite/file_lock.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace todoke::sqlite {
namespace {

// The holder wrote its process id; empty if it had no time yet.
std::string holder(int descriptor) {
  char digits[20];
  auto length = ::pread(descriptor, digits, sizeof digits, 0);
  std::string text;
  for (ssize_t i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; ++i) text += digits[i];
  return text;
}

}  // namespace

Result<FileLock> FileLock::take(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return fail(Errc::unavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  FileLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return fail(Errc::unavailable, fmt::format("cannot lock {}: {}", path, std::strerror(errno)));
    auto process = holder(descriptor);
    return fail(Errc::conflict,
                fmt::format("the database is in use by {} (lock file {})",
                            process.empty() ? "another process" : "process " + process, path));
  }
  auto id = fmt::format("{}\n", ::getpid());
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    // The id only serves the words above, and a full disk must not keep us from starting.
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace todoke::sqlite
