#pragma once

#include "blob/files.h"

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace todoke::blob {

// Files open for reading, at most `limit`; the one unused longest is closed for a new one.  A
// reader shares the file, so that it stays open while it is read though it leaves the cache.  Any
// thread.
class FileCache {
 public:
  explicit FileCache(std::size_t limit) : limit_(limit) {}

  std::shared_ptr<File> find(std::uint64_t segment);
  // Returns the file that is kept: another's, if one came first.
  std::shared_ptr<File> keep(std::uint64_t segment, std::shared_ptr<File> file);
  void forget(std::uint64_t segment);

 private:
  struct Kept {
    std::uint64_t segment;
    std::shared_ptr<File> file;
  };
  std::mutex mutex_;
  std::size_t limit_;
  std::list<Kept> kept_;  // most recently used first
  std::unordered_map<std::uint64_t, std::list<Kept>::iterator> by_segment_;
};

}  // namespace todoke::blob
