#pragma once

#include "app/transfer/file_writer.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace todoke::app {

// A tar file (POSIX ustar) compressed with zstd, which `tar --zstd` can read.
class ArchiveWriter {
 public:
  static Result<ArchiveWriter> create(const std::string& path);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ~ArchiveWriter();

  // Begins a file of exactly `size` bytes, which write() then gives.  Names have up to 100 bytes.
  Result<> begin(std::string_view name, std::uint64_t size);
  Result<> write(std::string_view bytes);
  Result<> add(std::string_view name, std::string_view content);
  // Durable on return.  Without it nothing remains.
  Result<> close();

 private:
  struct Zstd;
  explicit ArchiveWriter(transfer::FileWriter file);
  Result<> compress(std::string_view bytes, bool last);
  Result<> pad();
  transfer::FileWriter file_;
  std::unique_ptr<Zstd> zstd_;
  std::uint64_t left_ = 0;  // of the current file
  std::uint64_t size_ = 0;  // of the current file
};

class ArchiveReader {
 public:
  static Result<ArchiveReader> open(const std::string& path);
  ArchiveReader(ArchiveReader&&) noexcept;
  ~ArchiveReader();

  struct Entry {
    std::string name;
    std::uint64_t size = 0;
  };
  // The next file, or nothing at the end.  What is left of the current one is passed over.
  // Errc::corrupt: damaged or cut off.
  Result<std::optional<Entry>> next();
  // Some bytes of the current file; none at its end.
  Result<std::string> read(std::size_t most);
  // All of the current file; over_limit if it is larger than `most`.
  Result<std::string> read_all(std::size_t most);

 private:
  struct Zstd;
  explicit ArchiveReader(std::unique_ptr<Zstd> zstd);
  Result<> finish();
  Result<std::string> take(std::size_t count);
  std::unique_ptr<Zstd> zstd_;
  std::uint64_t size_ = 0;
  std::uint64_t left_ = 0;
};

}  // namespace todoke::app
