#pragma once

#include "sql/tx.h"
#include "store/model.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace todoke::store {

// The mailboxes of an account, by id.
std::vector<MailboxInfo> list_mailboxes(sql::Tx& tx, std::int64_t account_id, bool with_deleted);
// One that is not deleted.
std::optional<MailboxInfo> find_mailbox(sql::Tx& tx, std::int64_t account_id,
                                        std::int64_t mailbox_id);

}  // namespace todoke::store
