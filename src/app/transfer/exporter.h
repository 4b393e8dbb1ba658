#pragma once

#include "app/admin/progress.h"
#include "app/installation.h"
#include "base/function_ref.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <vector>

// Mailboxes to a Maildir or an mbox file.  Blocks: runs on a thread of its own (run_long).
namespace todoke::transfer {

enum class LineEnds {
  lf,    // as Unix programs expect them
  crlf,  // byte for byte as stored (Maildir only)
};

// Nothing that exists is overwritten: Errc::conflict.  Durable on return.  Messages written.
Result<std::int64_t> export_maildir(app::Installation& in, std::int64_t account_id,
                                    const std::vector<store::MailboxInfo>& mailboxes,
                                    const std::string& root, LineEnds ends,
                                    app::Progress& progress);
Result<std::int64_t> export_mbox(app::Installation& in, std::int64_t account_id,
                                 const store::MailboxInfo& mailbox, const std::string& file,
                                 app::Progress& progress);

// Calls `take` with each message of a mailbox, by UID; an error ends it.
Result<> each_message(app::Installation& in, std::int64_t account_id, std::int64_t mailbox_id,
                      FunctionRef<Result<>(const store::MessageImage&)> take);

// Calls `take` with the body in pieces, looking its place up anew if compaction moved it.
Result<> each_body_piece(app::Installation& in, std::int64_t account_id,
                         const store::MessageImage& message,
                         FunctionRef<Result<>(std::string_view)> take);

}  // namespace todoke::transfer
