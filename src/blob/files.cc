#include "blob/files.h"

#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>

namespace todoke::blob {
namespace {

// From errno.
std::unexpected<Error> failed(std::string_view what, const std::string& path) {
  const int error = errno;
  return fail(error == ENOENT ? Errc::not_found : Errc::unavailable,
              std::string(what) + " " + path + ": " + std::system_category().message(error));
}

class SystemFile final : public File {
 public:
  SystemFile(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}
  ~SystemFile() override { ::close(fd_); }
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;

  Result<> pwrite(std::string_view bytes, std::uint64_t offset) override {
    while (!bytes.empty()) {
      auto n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("cannot write", path_);
      if (n == 0) return fail(Errc::unavailable, "cannot write " + path_ + ": nothing was taken");
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return {};
  }

  Result<std::size_t> pread(std::span<char> into, std::uint64_t offset) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      auto n =
          ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("cannot read", path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  bool pread_cached(std::span<char> into, std::uint64_t offset) const override {
    iovec part{into.data(), into.size()};
    auto n = ::preadv2(fd_, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    return n >= 0 && static_cast<std::size_t>(n) == into.size();
  }

  Result<> fdatasync() override {
    // Not repeated after an error: the kernel may have dropped the pages that it could not write.
    if (::fdatasync(fd_) != 0) return failed("cannot sync", path_);
    return {};
  }

  Result<> truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("cannot truncate", path_);
    return {};
  }

  Result<> allocate(std::uint64_t offset, std::uint64_t length) override {
    int error;
    do {
      error = ::fallocate(fd_, 0, static_cast<off_t>(offset), static_cast<off_t>(length)) == 0
                  ? 0
                  : errno;
    } while (error == EINTR);
    if (error == 0) return {};
    errno = error;
    if (error != EOPNOTSUPP && error != ENOSYS) return failed("cannot reserve space in", path_);
    TRY(auto have, size());
    return have < offset + length ? truncate(offset + length) : Result<>{};
  }

  Result<std::uint64_t> size() const override {
    struct stat status{};
    if (::fstat(fd_, &status) != 0) return failed("cannot examine", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  int fd_;
  std::string path_;
};

int flags(Access access) {
  switch (access) {
    case Access::read:
      return O_RDONLY;
    case Access::read_write:
      return O_RDWR;
    case Access::create:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  return O_RDONLY;
}

}  // namespace

Result<std::unique_ptr<File>> SystemFiles::open(const std::string& path, Access access) {
  int fd;
  do fd = ::open(path.c_str(), flags(access) | O_CLOEXEC | O_NOFOLLOW, 0600);
  while (fd < 0 && errno == EINTR);
  if (fd < 0) return failed("cannot open", path);
  return std::make_unique<SystemFile>(fd, path);
}

Result<> SystemFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("cannot rename", from);
  return {};
}

Result<> SystemFiles::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failed("cannot remove", path);
  return {};
}

Result<> SystemFiles::make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Errc::unavailable, "cannot make " + folder + ": " + error.message());
  return {};
}

Result<std::vector<Files::Entry>> SystemFiles::list(const std::string& folder) {
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(folder.c_str()), ::closedir);
  if (!stream) return failed("cannot list", folder);
  std::vector<Entry> found;
  while (true) {
    errno = 0;
    const auto* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) return failed("cannot list", folder);
    if (entry == nullptr) return found;
    struct stat status{};
    if (::fstatat(::dirfd(stream.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return failed("cannot examine", folder + "/" + entry->d_name);
    }
    if (S_ISREG(status.st_mode))
      found.push_back({entry->d_name, static_cast<std::uint64_t>(status.st_size)});
  }
}

Result<> SystemFiles::sync_directory(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("cannot open", folder);
  Result<> done;
  if (::fsync(fd) != 0) done = failed("cannot sync", folder);
  ::close(fd);
  return done;
}

}  // namespace todoke::blob
