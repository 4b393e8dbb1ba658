#include "queue/enqueue.h"

#include "queue/notice.h"

#include <algorithm>

namespace todoke::queue {
namespace {

int ret_number(const std::optional<smtp::Ret>& ret) {
  if (!ret) return 0;
  return *ret == smtp::Ret::full ? 1 : 2;
}

std::string orcpt_text(const std::optional<smtp::OriginalRecipient>& original) {
  return original ? original->type + ";" + original->address : "";
}

}  // namespace

std::vector<LineKey> lines_of(const NewMessage& message) {
  std::vector<LineKey> lines;
  for (const auto& recipient : message.recipients)
    lines.push_back({recipient.domain, message.lane, message.organisation_id});
  std::ranges::sort(lines);
  auto same = std::ranges::unique(lines);
  lines.erase(same.begin(), same.end());
  return lines;
}

void enqueue(sql::Tx& tx, const NewMessage& message) {
  tx.run(
      "insert into queue_message (id, organisation_id, account_id, blob_id, size, reverse_path, "
      "envid, ret, body, smtputf8, require_tls, lane, created_at, useful_until, firm, return_path, "
      "renderer, remaining) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
      message.id, message.organisation_id, message.account_id, message.blob_id, message.size,
      message.reverse_path, message.envid, ret_number(message.ret), message.body, message.smtp_utf8,
      message.require_tls, message.lane, message.created_at,
      message.useful_until.value_or(message.created_at + default_lifetime),
      message.useful_until.has_value(), message.return_path, message.renderer,
      message.recipients.size());
  int number = 0;
  auto due = message.not_before.value_or(message.created_at);
  for (const auto& recipient : message.recipients)
    tx.run(
        "insert into queue_recipient (message_id, number, address, domain, organisation_id, lane, "
        "state, attempts, due_at, notify, orcpt, delay_told) "
        "values ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $9, 0)",
        message.id, ++number, smtp::to_text(recipient.path), recipient.domain,
        message.organisation_id, message.lane, due, notify_number(recipient.notify),
        orcpt_text(recipient.original_recipient));
}

}  // namespace todoke::queue
