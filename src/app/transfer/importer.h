#pragma once

#include "app/admin/progress.h"
#include "app/installation.h"
#include "app/transfer/mbox.h"
#include "base/result.h"
#include "store/append.h"

#include <cstdint>
#include <string>
#include <vector>

// Mail from a Maildir or an mbox file into mailboxes.  All of this blocks: it runs on a thread of
// its own (run_long).
namespace todoke::transfer {

struct ImportCounts {
  std::int64_t imported = 0;
  std::int64_t known = 0;             // were imported before
  std::int64_t failed = 0;            // could not be read
  std::vector<std::string> problems;  // the first of them, in words
};

// What an import is for.
struct ImportTarget {
  std::int64_t account_id = 0;
  std::string mailbox;  // where the INBOX or the single file goes; other folders keep their names
  store::Quota quota;
};

// Flags, keywords and dates are kept.  Running it again takes only what is new: a message of a
// Maildir is known by its path without flags, one of an mbox by the path, its bytes, and how many
// like it stood above.
Result<ImportCounts> import_maildir(app::Installation& in, const ImportTarget& target,
                                    const std::string& root, app::Progress& progress);
Result<ImportCounts> import_mbox(app::Installation& in, const ImportTarget& target,
                                 const std::string& file, app::Progress& progress);

}  // namespace todoke::transfer
