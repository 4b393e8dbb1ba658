#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The few file operations that the segment log needs, so that tests can take the disk's place:
// see memory_files.h for one that loses power.  Failures are Errc::unavailable with the system's
// words, or Errc::not_found for a file that is not there.
namespace todoke::blob {

// One open file.  Any thread; closed by its destructor.
class File {
 public:
  virtual ~File() = default;

  // All of `bytes`, or a failure after which any part of them may stand there.
  virtual Result<> pwrite(std::string_view bytes, std::uint64_t offset) = 0;
  // How many bytes were read: fewer than asked for only at the end of the file.
  virtual Result<std::size_t> pread(std::span<char> into, std::uint64_t offset) const = 0;
  // Fills `into` without waiting for the disk.  false: it would have to wait, the file ends sooner,
  // or the system cannot tell; `into` then holds nothing of use.
  virtual bool pread_cached(std::span<char> into, std::uint64_t offset) const = 0;

  // Contents and size are durable when it returns; the name is sync_directory()'s business.
  virtual Result<> fdatasync() = 0;
  virtual Result<> truncate(std::uint64_t size) = 0;
  // Reserves space, reading as zeros, and grows the file to offset + length at least.  A file
  // system without the notion only grows the file.
  virtual Result<> allocate(std::uint64_t offset, std::uint64_t length) = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

enum class Access {
  read,
  read_write,
  create,  // read_write; a failure if the name is taken
};

class Files {
 public:
  virtual ~Files() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Access access) = 0;
  // Replaces `to` if there is one.
  virtual Result<> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<> remove(const std::string& path) = 0;
  // Makes the folder and those above it; it may be there already.
  virtual Result<> make_folder(const std::string& folder) = 0;

  struct Entry {
    std::string name;
    std::uint64_t size = 0;
  };
  // The regular files in a folder, in no order.
  virtual Result<std::vector<Entry>> list(const std::string& folder) = 0;
  // Every create, rename and remove in the folder so far is durable when it returns.
  virtual Result<> sync_directory(const std::string& folder) = 0;
};

// The machine's files.  Descriptors are closed on exec.
class SystemFiles final : public Files {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> make_folder(const std::string& folder) override;
  Result<std::vector<Entry>> list(const std::string& folder) override;
  Result<> sync_directory(const std::string& folder) override;
};

}  // namespace todoke::blob
