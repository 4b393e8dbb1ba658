#pragma once

#include "blob/memory_files.h"

// Puts the bytes of every SQLite database opened during its life onto MemoryFiles: there they share
// one history with the segment log, and lose power at the same moment.  Locks and the shared index
// of the write-ahead log stay with SQLite's own driver, on an empty file of the same name, whose
// folder must exist; after a power loss the file "<database>-shm" must be removed, as it is gone
// after a real one.  One at a time in a process.
namespace todoke::test {

class MemoryVfs {
 public:
  explicit MemoryVfs(blob::MemoryFiles& files);
  ~MemoryVfs();
  MemoryVfs(const MemoryVfs&) = delete;
  MemoryVfs& operator=(const MemoryVfs&) = delete;
};

}  // namespace todoke::test
