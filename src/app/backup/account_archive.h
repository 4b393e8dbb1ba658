#pragma once

#include "app/admin/progress.h"
#include "app/installation.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

// One account as one file, to keep or to carry to another installation: a tar archive compressed
// with zstd.  Blocks: runs on a thread of its own (run_long).
//
//   manifest.json         the account, its addresses, logins, password hashes and mailboxes
//   mail/3/17.eml         a message: mailbox 3, UID 17, byte for byte
//   index/000001.json     what stands beside the messages above it: flags, dates, POP3 columns,
//                         and the SHA-256 of each
//   end.json              how much there is, so that a file that was cut off is found out
namespace todoke::app {

struct ArchiveSummary {
  std::int64_t mailboxes = 0;
  std::int64_t messages = 0;
  std::uint64_t bytes = 0;         // of messages
  std::string into;                // of a restore: "" or the mailbox below which all was put
  std::vector<std::string> notes;  // of a restore: what could not be taken over, in words
};

// Errc::conflict: the file exists.  The file is read back before it counts as written.
Result<ArchiveSummary> archive_account(Installation& in, const std::string& address,
                                       const std::string& path, Progress& progress);

// Reads all of an archive and compares every checksum.
Result<ArchiveSummary> verify_archive(const std::string& path, Progress& progress);

// Verifies first.  An account that is missing is created, as it was; its domain must be there. Into
// an account that never had mail everything goes with its UIDs; in any other, into mailboxes below
// a new one.  Nothing that exists is changed.
Result<ArchiveSummary> restore_account(Installation& in, const directory::Actor& actor,
                                       const std::string& path, Progress& progress);

}  // namespace todoke::app
