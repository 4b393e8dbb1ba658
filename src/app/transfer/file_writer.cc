#include "app/transfer/file_writer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace todoke::transfer {
namespace {

constexpr std::size_t buffer_size = 256 * 1024;

std::unexpected<Error> failed(std::string_view what, const std::string& path) {
  auto code = errno == EEXIST ? Errc::conflict : Errc::unavailable;
  return fail(code, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)));
}

template <class F>
Result<> with_folder(const std::string& folder, F act) {
  int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open", folder);
  Result<> done;
  if (act(descriptor) != 0) done = failed("sync", folder);
  ::close(descriptor);
  return done;
}

}  // namespace

Result<FileWriter> FileWriter::create(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return failed("create", path);
  return FileWriter(path, descriptor);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      buffer_(std::move(other.buffer_)),
      size_(other.size_) {}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(path_.c_str());
}

Result<> FileWriter::write(std::string_view bytes) {
  size_ += bytes.size();
  buffer_ += bytes;
  return buffer_.size() < buffer_size ? Result<>() : flush();
}

Result<> FileWriter::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    auto count = ::write(descriptor_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path_);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
  return {};
}

Result<> FileWriter::close(Sync sync) {
  TRY_OK(flush());
  if (sync == Sync::yes && ::fsync(descriptor_) != 0) return failed("sync", path_);
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Result<> sync_folder(const std::string& folder) {
  return with_folder(folder, [](int descriptor) { return ::fsync(descriptor); });
}

Result<> sync_file_system(const std::string& folder) {
  return with_folder(folder, [](int descriptor) { return ::syncfs(descriptor); });
}

Result<> make_empty_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return failed("create", folder);
  std::error_code error;
  if (std::filesystem::is_directory(folder, error) && std::filesystem::is_empty(folder, error))
    return {};
  return fail(Errc::conflict, folder + " exists and is not empty");
}

}  // namespace todoke::transfer
