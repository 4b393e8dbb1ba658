#include "queue/enqueue.h"

namespace todoke::queue {
namespace {

constexpr int lane_normal = 1;

int ret_number(const std::optional<smtp::Ret>& ret) {
  if (!ret) return 0;
  return *ret == smtp::Ret::full ? 1 : 2;
}

// Bits as RFC 3461 §4.1 lists them; 0 when the sender said nothing, 8 for NEVER.
int notify_number(const std::optional<smtp::Notify>& notify) {
  if (!notify) return 0;
  int bits = (notify->success ? 1 : 0) | (notify->failure ? 2 : 0) | (notify->delay ? 4 : 0);
  return bits == 0 ? 8 : bits;
}

std::string orcpt_text(const std::optional<smtp::OriginalRecipient>& original) {
  return original ? original->type + ";" + original->address : "";
}

}  // namespace

void enqueue(sql::Tx& tx, const NewMessage& message) {
  tx.run(
      "insert into queue_message (id, organisation_id, account_id, blob_id, size, reverse_path, "
      "envid, ret, body, smtputf8, require_tls, lane, created_at, useful_until) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
      message.id, message.organisation_id, message.account_id, message.blob_id, message.size,
      message.reverse_path, message.envid, ret_number(message.ret), static_cast<int>(message.body),
      message.smtp_utf8, message.require_tls, lane_normal, message.created_at,
      message.created_at + default_lifetime);
  int number = 0;
  for (const auto& recipient : message.recipients)
    tx.run(
        "insert into queue_recipient (message_id, number, address, domain, state, notify, orcpt, "
        "next_attempt_at) values ($1, $2, $3, $4, 0, $5, $6, $7)",
        message.id, ++number, smtp::to_text(recipient.path), recipient.domain,
        notify_number(recipient.notify), orcpt_text(recipient.original_recipient),
        message.created_at);
}

}  // namespace todoke::queue
