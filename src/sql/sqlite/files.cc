#include "sql/sqlite/files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace todoke::sqlite {

Result<> sync_file(const std::string& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return fail(Errc::unavailable, fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  int code = ::fsync(descriptor);
  int error = errno;
  ::close(descriptor);
  if (code != 0)
    return fail(Errc::unavailable, fmt::format("cannot sync {}: {}", path, std::strerror(error)));
  return {};
}

Result<> sync_folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path();
  return sync_file(folder.empty() ? "." : folder.string());
}

}  // namespace todoke::sqlite
