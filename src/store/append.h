#pragma once

#include "base/result.h"
#include "blob/store.h"
#include "sql/tx.h"
#include "store/hub.h"
#include "store/model.h"
#include "store/usage.h"

#include <optional>
#include <span>

// Writing messages, inside the caller's transaction.  These are the only statements that make rows
// of blob, message and placement; `delivery`, APPEND and imports all come through here.
namespace todoke::store {

// Puts a message into a mailbox.  Errors change nothing: not_found (no such account or mailbox),
// over_limit (quota), invalid (an explicit UID that was given out already).
Result<Placed> append(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                      const NewMessage& message, const Quota& quota);

// The message as those who have the mailbox open shall hear of it.
Placement placement_of(const NewMessage& message, const Placed& placed);

// One message for the INBOXes of several accounts, each with an id of its own and its own answer.
// The same as append() for each, but an organisation's counter is written once for its accounts.
struct InboxCopy {
  std::int64_t account_id = 0;
  std::int64_t message_id = 0;
  Quota quota;
  Result<Placed> placed = fail(Errc::unavailable, "not tried");
};
void append_copies(sql::Tx& tx, NewMessage message, std::span<InboxCopy> copies);

// Records where a body stands and how many messages and queue rows refer to it; once per body,
// after these rows are known and in the same transaction.
void insert_blob(sql::Tx& tx, std::int64_t blob_id, const blob::Location& at, std::int64_t refs);

// One row that referred to a body is gone.  Answers where the body stands if it was the last, for
// blob::Store::release() after the commit.
std::optional<blob::Location> drop_blob(sql::Tx& tx, std::int64_t blob_id);

// The rows of a new account: its state, the INBOX, and one mailbox for each role, named by locale.
void create_mail_account(sql::Tx& tx, std::int64_t account_id, std::int64_t organisation_id,
                         std::string_view locale, Time now);

// The account is gone for good: Store::purge_some() removes its mail, a little at a time.
void abandon_mail_account(sql::Tx& tx, std::int64_t account_id);

}  // namespace todoke::store
