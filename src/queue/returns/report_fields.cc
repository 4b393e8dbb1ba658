#include "queue/returns/report_fields.h"

#include "base/ascii.h"
#include "mime/header.h"
#include "queue/returns/reply_words.h"
#include "smtp/syntax/xtext.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace todoke::queue {
namespace {

constexpr std::size_t max_value = 4 * max_diagnostic;

struct ReportField {
  std::string name;  // lower case
  std::string value;
  bool begins_block = false;  // stands behind a blank line
};

// All fields of a text, whatever lies between.
std::vector<ReportField> read_fields(std::string_view text) {
  std::vector<ReportField> fields;
  while (!text.empty()) {
    auto begin = text.find_first_not_of("\r\n");
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    auto block = mime::split_header(text);
    bool first = true;
    for (const auto& field : block) {
      if (fields.size() >= mime::max_header_fields) return fields;
      fields.push_back({ascii::to_lower(field.name),
                        one_line(mime::unfold(field.raw_value.substr(0, max_value)), max_value),
                        std::exchange(first, false)});
    }
    // A line that is no field: it is passed over.
    auto end = block.empty() ? std::min(text.find('\n'), text.size() - 1) + 1 : block.back().end;
    text.remove_prefix(end);
  }
  return fields;
}

// "type; value" (RFC 3464 §2.1.2); the type in lower case, empty when there is none.
std::pair<std::string, std::string_view> typed(std::string_view value) {
  auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos) return {"", ascii::trim(value)};
  return {ascii::to_lower(ascii::trim(value.substr(0, semicolon))),
          ascii::trim(value.substr(semicolon + 1))};
}

// "host. (comment)" as just the host.
std::string host_name(std::string_view value) {
  auto [type, host] = typed(value);
  host = host.substr(0, host.find_first_of(" ("));
  if (host.ends_with('.')) host.remove_suffix(1);
  return one_line(host, 255);
}

// RFC 6533 §3: an address of type utf-8 may be written in ASCII.
std::string typed_address(std::string_view value) {
  auto [type, text] = typed(value);
  if (type == "utf-8") {
    if (auto decoded = smtp::utf8_address_decode(text)) return clean_address(*decoded);
  }
  if (auto address = clean_address(text); !address.empty()) return address;
  // "a@example.org (comment)"
  return clean_address(text.substr(0, text.find_first_of(" (")));
}

std::string first_word(std::string_view text) {
  text = ascii::trim(text);
  auto end = std::ranges::find_if_not(text, [](char c) { return ascii::is_alpha(c) || c == '-'; });
  return ascii::to_lower(std::string(text.begin(), end));
}

// A status that says no more than its class.
bool is_vague(const std::optional<smtp::EnhancedCode>& status) {
  return !status || status->detail == 0;
}

void take_diagnostic(std::string_view value, ReturnedRecipient& recipient) {
  auto [type, text] = typed(value);
  // "smtp;550 …", but also "550 5.1.1 no such user; try again" without any type.
  bool is_type = !type.empty() && type.find_first_of(" \t.") == std::string::npos;
  recipient.diagnostic = one_line(is_type ? text : value, max_diagnostic);
}

// What the diagnostic knows better than the fields.
void complete(ReturnedRecipient& recipient) {
  auto status = find_enhanced_code(recipient.diagnostic);
  bool same_class =
      status && recipient.status && status->status_class == recipient.status->status_class;
  if (status && (!recipient.status || (is_vague(recipient.status) && same_class)))
    recipient.status = status;
  if (!recipient.smtp_code) recipient.smtp_code = find_reply_code(recipient.diagnostic);
  if (!recipient.stage) recipient.stage = find_stage(recipient.diagnostic);
}

// Takes the fields of RFC 3464 one by one.
class DeliveryStatusReader {
 public:
  explicit DeliveryStatusReader(Return& out) : out_(out) {}

  void take(const ReportField& field) {
    if (field.begins_block) finish();
    if (take_message_field(field)) return;
    // Two recipients without a blank line between them.
    if (field.name == "final-recipient" && has_final_) finish();
    take_recipient_field(field);
  }

  bool finish() {
    if (has_any_) {
      if (recipient_.address.empty()) recipient_.address = actual_;
      if (recipient_.address.empty()) recipient_.address = recipient_.original_address;
      if (recipient_.original_address == recipient_.address) recipient_.original_address.clear();
      complete(recipient_);
      if (out_.recipients.size() < max_returned_recipients)
        out_.recipients.push_back(std::move(recipient_));
    }
    recipient_ = {};
    actual_.clear();
    has_any_ = has_final_ = false;
    return found_;
  }

 private:
  bool take_message_field(const ReportField& field) {
    if (field.name == "reporting-mta") {
      out_.reporting_mta = host_name(field.value);
    } else if (field.name == "original-envelope-id") {
      out_.original_envelope_id = one_line(field.value, 255);
    } else if (field.name != "arrival-date" && field.name != "received-from-mta" &&
               field.name != "dsn-gateway") {
      return false;
    }
    found_ = true;
    return true;
  }

  void take_recipient_field(const ReportField& field) {
    if (field.name == "final-recipient") {
      recipient_.address = typed_address(field.value);
      has_final_ = true;
    } else if (field.name == "original-recipient") {
      recipient_.original_address = typed_address(field.value);
    } else if (field.name == "x-actual-recipient") {
      actual_ = typed_address(field.value);
    } else if (field.name == "action") {
      recipient_.action = first_word(field.value);
    } else if (field.name == "status") {
      recipient_.status = find_enhanced_code(field.value);
    } else if (field.name == "diagnostic-code") {
      take_diagnostic(field.value, recipient_);
    } else if (field.name == "remote-mta") {
      recipient_.remote_mta = host_name(field.value);
    } else {
      return;
    }
    has_any_ = found_ = true;
  }

  Return& out_;
  ReturnedRecipient recipient_;
  std::string actual_;
  bool has_any_ = false;
  bool has_final_ = false;
  bool found_ = false;
};

// RFC 3464 §2.3.3; some write "failure" or "delay".
bool is_known_action(std::string_view action) {
  return action.starts_with("fail") || action.starts_with("delay") || action == "delivered" ||
         action == "relayed" || action == "expanded";
}

}  // namespace

// RFC 3464 §2.1.
bool read_delivery_status(std::string_view fields, Return& out) {
  DeliveryStatusReader reader(out);
  for (const auto& field : read_fields(fields)) reader.take(field);
  return reader.finish();
}

// RFC 3464 §2.3.3.
void settle_kind(Return& out, bool says_delay) {
  bool failed = false, delayed = false;
  for (auto& recipient : out.recipients) {
    if (!is_known_action(recipient.action)) {
      auto status_class = recipient.status ? recipient.status->status_class : 0;
      if (status_class == 2)
        recipient.action = "delivered";
      else if (says_delay && status_class != 5)
        recipient.action = "delayed";
      else
        recipient.action = "failed";
    }
    failed |= recipient.action.starts_with("fail");
    delayed |= recipient.action.starts_with("delay");
  }
  bool all_well = !out.recipients.empty() && !failed && !delayed;
  if (all_well)
    out.kind = ReturnKind::success;
  else if (failed || !(delayed || says_delay))
    out.kind = ReturnKind::failure;
  else
    out.kind = ReturnKind::delay;
}

// RFC 5965 §3.1, §3.2; RFC 6591 §3.1 adds authentication failures, which blame nobody's mail.
bool read_feedback_report(std::string_view fields, Return& out) {
  bool found = false;
  for (const auto& field : read_fields(fields)) {
    if (field.name == "feedback-type") {
      out.feedback_type = first_word(field.value);
      found = true;
    } else if (field.name == "original-mail-from") {
      out.original_reverse_path = clean_address(field.value);
    } else if (field.name == "original-envelope-id") {
      out.original_envelope_id = one_line(field.value, 255);
    } else if (field.name == "reporting-mta") {
      out.reporting_mta = host_name(field.value);
    } else if (field.name == "original-rcpt-to" || field.name == "removal-recipient") {
      auto address = typed_address(field.value);
      bool known =
          std::ranges::any_of(out.recipients, [&](const auto& r) { return r.address == address; });
      if (!address.empty() && !known && out.recipients.size() < 100)
        out.recipients.push_back({.address = std::move(address)});
    }
  }
  bool blames = out.feedback_type != "not-spam" && out.feedback_type != "auth-failure";
  out.kind = blames ? ReturnKind::complaint : ReturnKind::automatic;
  return found;
}

// RFC 8098 §3.1, §3.2; RFC 5429 §2.2.1.
bool read_disposition(std::string_view fields, Return& out) {
  ReturnedRecipient recipient;
  bool found = false, rejected = false;
  for (const auto& field : read_fields(fields)) {
    if (field.name == "final-recipient") recipient.address = typed_address(field.value);
    if (field.name == "original-recipient") recipient.original_address = typed_address(field.value);
    if (field.name == "original-message-id") out.original_message_id = bare_identifier(field.value);
    if (field.name == "disposition") {
      auto [mode, type] = typed(field.value);
      recipient.action = first_word(type);
      // What Sieve's reject sends: nobody has seen the mail, nor will.
      rejected = mode.contains("automatic-action") && recipient.action == "deleted";
      found = true;
    }
  }
  if (rejected) recipient.action = "failed";
  if (found) out.recipients.push_back(std::move(recipient));
  out.kind = rejected ? ReturnKind::failure : ReturnKind::automatic;
  return found;
}

}  // namespace todoke::queue
