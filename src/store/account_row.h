#pragma once

#include "sql/tx.h"

#include <cstdint>

namespace todoke::store {

// The account's next MODSEQ.
std::int64_t next_modseq(sql::Tx& tx, std::int64_t account_id);

// A UIDVALIDITY that no earlier mailbox of the account had, so that a name used again is not taken
// for the old mailbox.  RFC 9051 §2.3.1.1.
std::int64_t fresh_uidvalidity(sql::Tx& tx, std::int64_t account_id, Time now);

}  // namespace todoke::store
