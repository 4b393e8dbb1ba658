#include "queue/return_desk.h"

#include "provider/classify.h"
#include "trust/envelope_token.h"

#include <fmt/format.h>

namespace todoke::queue {
namespace {

constexpr std::string_view prefix = "b+";

EventKind kind_of(ReturnKind kind) {
  switch (kind) {
    case ReturnKind::failure:
      return EventKind::returned;
    case ReturnKind::delay:
      return EventKind::returned_late;
    case ReturnKind::success:
      return EventKind::delivered;
    case ReturnKind::complaint:
      return EventKind::complained;
    case ReturnKind::automatic:
    case ReturnKind::none:
      return EventKind::answered;
  }
  return EventKind::answered;
}

}  // namespace

std::string ReturnDesk::address_of(const Message& message, RecipientId recipient) const {
  auto at = message.reverse_path.rfind('@');
  if (at == message.reverse_path.npos) return message.reverse_path;
  auto token = trust::make_envelope_token(key_, {recipient.message, recipient.number});
  return fmt::format("{}{}{}", prefix, token, message.reverse_path.substr(at));
}

std::optional<RecipientId> ReturnDesk::recipient_of(const smtp::Path& path) const {
  std::string_view local = path.local;
  // Servers may change the case of what they send back.
  if (!local.starts_with(prefix) && !local.starts_with("B+")) return {};
  auto token = trust::open_envelope_token(key_, local.substr(prefix.size()));
  if (!token) return {};
  return RecipientId{token->message_id, token->number};
}

std::optional<RecipientId> ReturnDesk::recipient_of(const Return& complaint) const {
  if (complaint.kind != ReturnKind::complaint) return {};
  auto path = smtp::parse_address(complaint.original_reverse_path);
  return path ? recipient_of(*path) : std::nullopt;
}

Return ReturnDesk::read(std::string_view text, const smtp::Path& reverse_path) const {
  return parse_return(text.substr(0, max_return), smtp::to_text(reverse_path));
}

std::optional<Outcome> event_of(const Return& returned, const provider::Book& book,
                                const provider::Provider& provider) {
  if (returned.kind == ReturnKind::none || returned.format == "auto-generated") return {};
  Outcome outcome{.kind = kind_of(returned.kind), .stage = smtp::Stage::end_of_data};
  outcome.text = returned.format;
  if (!returned.recipients.empty()) {
    const auto& first = returned.recipients.front();
    outcome.stage = first.stage.value_or(smtp::Stage::end_of_data);
    outcome.code = first.smtp_code.value_or(0);
    outcome.enhanced = first.status;
    if (!first.diagnostic.empty()) outcome.text = first.diagnostic;
  }
  if (returned.kind == ReturnKind::complaint) outcome.reply_class = provider::ReplyClass::complaint;
  if (returned.kind == ReturnKind::automatic) outcome.reply_class = provider::ReplyClass::automatic;
  if (returned.kind != ReturnKind::failure) return outcome;
  if (returned.filtered_hint) {
    outcome.reply_class = provider::ReplyClass::filtered;
    outcome.rule = "return.filtered-hint";
    return outcome;
  }
  auto status = outcome.enhanced.value_or(smtp::EnhancedCode{5, 0, 0});
  auto verdict = provider::classify(
      book, provider,
      {.stage = outcome.stage, .code = outcome.code, .enhanced = status, .text = outcome.text});
  outcome.reply_class = verdict.reply_class;
  outcome.rule = verdict.rule;
  return outcome;
}

bool ReturnDesk::write(sql::Tx& tx, RecipientId recipient, const Return& returned,
                       std::int64_t event_id, Time now, Consequences& consequences) const {
  auto row = tx.first<std::string, std::string>(
      "select r.domain, coalesce(d.provider, '') from queue_recipient r "
      "left join queue_domain d on d.domain = r.domain "
      "where r.message_id = $1 and r.number = $2",
      recipient.message, recipient.number);
  if (!row) return false;
  const auto& [domain, provider_id] = *row;
  const auto* provider = book_.find(provider_id);
  if (provider == nullptr) provider = &book_.by_domain(domain);
  auto outcome = event_of(returned, book_, *provider);
  if (!outcome) return true;
  return record_event(tx, recipient, *outcome, event_id, now, consequences);
}

}  // namespace todoke::queue
