#pragma once

#include "blob/files.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace todoke::blob {

// Files in memory that keep apart what is synced and what is not, and can lose power: the disk of
// the power-loss tests, and of every test that wants a store and no folder.  It is as unkind as a
// disk may be: of everything not synced, any 512-byte sector, any file size and any directory
// change may survive or not, each for itself.  Any thread.
class MemoryFiles final : public Files {
 public:
  MemoryFiles();
  ~MemoryFiles() override;

  Result<std::unique_ptr<File>> open(const std::string& path, Access access) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> make_folder(const std::string& folder) override;
  Result<std::vector<Entry>> list(const std::string& folder) override;
  Result<> sync_directory(const std::string& folder) override;

  enum class Cut {
    lose_all,   // nothing survives that was not synced
    keep_all,   // everything does, as after a mere crash of the program
    lose_some,  // a random part of it survives
  };
  // The power comes back after it went: decides by `seed` what survived and forgets the rest. Files
  // that were open stay dead; it need not have been cut_after() that took the power away.
  void restart(Cut cut, std::uint64_t seed);
  // The power goes after `operations` more changes (writes, syncs, creates …): each later operation
  // of any kind fails.
  void cut_after(std::uint64_t operations);
  // Changes and syncs done so far.
  std::uint64_t operations() const;
  std::uint64_t syncs() const;

  // Writing and reserving beyond it fails as on a full disk.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used() const;
  // Whether pread_cached() finds its bytes.
  void set_cached(bool cached);
  // The next fdatasync() fails, as on a disk with a bad sector, and loses what it should have kept.
  void fail_next_sync();
  // The next pwrite() fails after half of its bytes.
  void fail_next_write();
  // Flips the bits of `mask` in the byte at `offset`, durably: a disk that rots.
  void damage(const std::string& path, std::uint64_t offset, unsigned char mask);

 private:
  friend class MemoryFile;
  struct Node;
  struct Change;
  Result<> change();  // counts an operation; fails without power
  Result<> charge(Node& node, std::uint64_t end);

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> names_;    // shared with open files, as inodes are
  std::map<std::string, std::shared_ptr<Node>> durable_;  // the names that survive
  std::vector<Change> pending_;                           // changes of names since sync_directory
  std::uint64_t life_ = 0;                                // counts restarts; open files know theirs
  std::uint64_t operations_ = 0;
  std::uint64_t syncs_ = 0;
  std::uint64_t cut_at_;
  std::uint64_t capacity_;
  bool cached_ = true;
  bool fail_sync_ = false;
  bool fail_write_ = false;
};

}  // namespace todoke::blob
