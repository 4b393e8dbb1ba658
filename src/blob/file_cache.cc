#include "blob/file_cache.h"

namespace todoke::blob {

std::shared_ptr<File> FileCache::find(std::uint64_t segment) {
  std::lock_guard lock(mutex_);
  auto found = by_segment_.find(segment);
  if (found == by_segment_.end()) return nullptr;
  if (found->second != kept_.begin()) kept_.splice(kept_.begin(), kept_, found->second);
  return found->second->file;
}

std::shared_ptr<File> FileCache::keep(std::uint64_t segment, std::shared_ptr<File> file) {
  std::shared_ptr<File> dropped;  // closed after the lock
  std::lock_guard lock(mutex_);
  if (auto found = by_segment_.find(segment); found != by_segment_.end())
    return found->second->file;
  kept_.push_front({segment, file});
  by_segment_.emplace(segment, kept_.begin());
  if (kept_.size() > limit_) {
    dropped = std::move(kept_.back().file);
    by_segment_.erase(kept_.back().segment);
    kept_.pop_back();
  }
  return file;
}

void FileCache::forget(std::uint64_t segment) {
  std::shared_ptr<File> dropped;
  std::lock_guard lock(mutex_);
  auto found = by_segment_.find(segment);
  if (found == by_segment_.end()) return;
  dropped = std::move(found->second->file);
  kept_.erase(found->second);
  by_segment_.erase(found);
}

}  // namespace todoke::blob
