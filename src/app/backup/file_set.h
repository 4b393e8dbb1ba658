#pragma once

#include "base/function_ref.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

namespace todoke::app {

// A file of a backup: its path in it, its size and its checksum.
struct BackupFile {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256;  // in hexadecimal
  bool operator==(const BackupFile&) const = default;
};

using OnBytes = FunctionRef<Result<>(std::uint64_t)>;  // told of each piece; an error ends it

// Copies into a new file and tells what was copied.  Errc::conflict: the target exists.
Result<BackupFile> copy_file(const std::string& from, const std::string& to,
                             const std::string& path_in_backup, OnBytes told);
// Reads a file of a backup again.
Result<BackupFile> sum_file(const std::string& path, const std::string& path_in_backup,
                            OnBytes told);

// The list of files, written last: a backup without it is not whole.
std::string render_file_list(const std::vector<BackupFile>& files, const std::string& created_at);
Result<std::vector<BackupFile>> parse_file_list(std::string_view text);

}  // namespace todoke::app
