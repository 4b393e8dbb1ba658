#pragma once

#include "app/admin/progress.h"
#include "app/config.h"
#include "app/installation.h"
#include "base/result.h"

#include <cstdint>
#include <string>

// The whole installation to a folder and back.  Blocks: runs on a thread of its own (run_long).
namespace todoke::app {

struct BackupSummary {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;  // bodies, each read back from the copy
};

// Copies everything while the server goes on.  What the copy of the database refers to is in the
// copy of the segments: the segments that were there before the database was copied are held by
// hard links, so that compaction cannot take them away, and those that came meanwhile are added.
// Every body is then read back.  `folder` appears when all is done, never half.
Result<BackupSummary> backup_installation(Installation& in, const std::string& folder,
                                          Progress& progress);

// Puts a backup into the empty or missing data folder of `config`, after comparing checksums.
Result<BackupSummary> restore_installation(const Config& config, const std::string& folder,
                                           Progress& progress);

}  // namespace todoke::app
