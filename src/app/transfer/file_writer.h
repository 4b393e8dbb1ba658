#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace todoke::transfer {

// A new file, readable by its owner only.  Unless close() succeeded it is removed again.
class FileWriter {
 public:
  // Errc::conflict: the name is taken.
  static Result<FileWriter> create(const std::string& path);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Result<> write(std::string_view bytes);
  // Contents are durable on return if `sync`; the name is after sync_folder().
  enum class Sync { yes, no };
  Result<> close(Sync sync);
  std::uint64_t size() const { return size_; }

 private:
  FileWriter(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  Result<> flush();
  std::string path_;
  int descriptor_;
  std::string buffer_;
  std::uint64_t size_ = 0;
};

// The names in a folder are durable on return.
Result<> sync_folder(const std::string& folder);
// Everything written to the file system of `folder` is durable on return.
Result<> sync_file_system(const std::string& folder);
// Makes a folder that only its owner may enter.  Errc::conflict: it is there and not empty.
Result<> make_empty_folder(const std::string& folder);

}  // namespace todoke::transfer
