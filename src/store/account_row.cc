#include "store/account_row.h"

#include <algorithm>

namespace todoke::store {

std::int64_t next_modseq(sql::Tx& tx, std::int64_t account_id) {
  return tx
      .first<std::int64_t>(
          "update mail_account set modseq = modseq + 1 where account_id = $1 returning modseq",
          account_id)
      .value_or(0);
}

std::int64_t fresh_uidvalidity(sql::Tx& tx, std::int64_t account_id, Time now) {
  auto last = tx.first<std::int64_t>(
      "select coalesce(max(uidvalidity), 0) from mailbox where account_id = $1", account_id);
  return std::max(last.value_or(0) + 1, to_micros(now) / 1'000'000);
}

}  // namespace todoke::store
