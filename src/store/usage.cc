#include "store/usage.h"

#include <utility>

namespace todoke::store {

void count(sql::Tx& tx, std::int64_t account_id, const Usage& change) {
  auto organisation_id = tx.first<std::int64_t>(
      "update mail_account set used_bytes = used_bytes + $2, message_count = message_count + $3 "
      "where account_id = $1 returning organisation_id",
      account_id, change.bytes, change.messages);
  if (!organisation_id) return;
  OrganisationUsage organisation;
  organisation.add(tx, *organisation_id, change);
  organisation.settle(tx);
}

void OrganisationUsage::add(sql::Tx& tx, std::int64_t organisation_id, const Usage& change) {
  if (organisation_id != organisation_id_) settle(tx);
  organisation_id_ = organisation_id;
  pending_.bytes += change.bytes;
  pending_.messages += change.messages;
}

void OrganisationUsage::settle(sql::Tx& tx) {
  auto change = std::exchange(pending_, {});
  if (change.messages == 0) return;
  tx.run(
      "update mail_organisation set used_bytes = used_bytes + $2, "
      "message_count = message_count + $3 where organisation_id = $1",
      organisation_id_, change.bytes, change.messages);
}

Result<> has_room(sql::Tx& tx, std::int64_t account_id, std::int64_t bytes, const Quota& quota) {
  auto used = tx.first<std::int64_t, std::int64_t>(
      "select a.used_bytes, o.used_bytes from mail_account a "
      "join mail_organisation o on o.organisation_id = a.organisation_id where a.account_id = $1",
      account_id);
  if (!used) return {};
  auto [of_account, of_organisation] = *used;
  if (of_account + bytes > quota.account_bytes.value_or(INT64_MAX))
    return fail(Errc::over_limit, "this mailbox is full");
  if (of_organisation + bytes > quota.organisation_bytes.value_or(INT64_MAX))
    return fail(Errc::over_limit, "the organisation of this mailbox has no room left");
  return {};
}

}  // namespace todoke::store
