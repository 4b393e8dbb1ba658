#pragma once

#include "base/result.h"

#include <string>

namespace todoke::sqlite {

// The sole use of a database by one process, as a lock on a file beside it that names the holder.
// The kernel frees it when the process ends, however it ends; the file itself stays.
class FileLock {
 public:
  // Errc::conflict, naming the other process, when it is taken.
  static Result<FileLock> take(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace todoke::sqlite
