#include "queue/returns/return_parser.h"

#include "queue/returns/automatic.h"
#include "queue/returns/material.h"
#include "queue/returns/notice_text.h"
#include "queue/returns/reply_words.h"
#include "queue/returns/report_fields.h"

#include <utility>

namespace todoke::queue {
namespace {

// Fields of RFC 3464 in a text part: what remains when a server on the way took a report apart.
bool read_fields_in_text(const Material& m, Return& out) {
  for (std::string_view name : {"reporting-mta:", "final-recipient:"}) {
    auto at = m.text_lower.find(name);
    if (at == std::string::npos || (at > 0 && m.text_lower[at - 1] != '\n')) continue;
    return read_delivery_status(std::string_view(m.text).substr(at), out) &&
           !out.recipients.empty();
  }
  for (std::size_t i = 0; i < m.structure.parts.size(); ++i) {
    const auto& part = m.structure.parts[i];
    if (part.type != "text" || part.subtype != "plain" || part.parent != 0) continue;
    auto text = m.part_bytes(static_cast<int>(i));
    bool begins_so = text.starts_with("Reporting-MTA:") || text.starts_with("Final-Recipient:");
    if (begins_so) return read_delivery_status(text, out) && !out.recipients.empty();
  }
  return false;
}

bool is_report(const Material& m) {
  const auto& top = m.structure.parts.front();
  return top.type == "multipart" && top.subtype == "report";
}

// RFC 3464, RFC 5965, RFC 8098: the media types say it all.
bool read_report(const Material& m, Return& out) {
  bool believable = is_report(m) || m.from_daemon() || m.null_reverse_path;
  if (!believable) return false;
  if (auto part = m.find_part("message", "feedback-report"); part >= 0) {
    out.format = "arf";
    return read_feedback_report(m.part_bytes(part), out);
  }
  for (auto subtype : {"disposition-notification", "global-disposition-notification"})
    if (auto part = m.find_part("message", subtype); part >= 0) {
      out.format = "mdn";
      if (!read_disposition(m.part_bytes(part), out)) return false;
      if (out.kind == ReturnKind::failure)
        out.recipients.front().diagnostic = one_line(m.text, max_diagnostic);
      return true;
    }
  for (auto subtype : {"delivery-status", "global-delivery-status"})
    if (auto part = m.find_part("message", subtype); part >= 0) {
      out.format = "rfc3464";
      if (!read_delivery_status(m.part_bytes(part), out)) return false;
      if (out.recipients.empty()) out.recipients.emplace_back();  // the words may name it
      return true;
    }
  out.format = "rfc3464-text";
  return (m.from_daemon() || is_report(m)) && read_fields_in_text(m, out);
}

void take_original(Material& m, Return& out) {
  out.original = std::move(m.original);
  if (!out.original) return;
  if (out.original_message_id.empty()) out.original_message_id = out.original->message_id;
  if (out.original_reverse_path.empty()) out.original_reverse_path = out.original->reverse_path;
  if (out.format != "arf" || !out.recipients.empty()) return;
  // Microsoft's reports have no Original-Rcpt-To, but this.
  for (const auto& [name, value] : out.original->extensions)
    if (name == "X-HmXmrOriginalRecipient")
      if (auto address = clean_address(value); !address.empty())
        out.recipients.push_back({.address = std::move(address)});
}

}  // namespace

std::string_view to_text(ReturnKind kind) {
  switch (kind) {
    case ReturnKind::none:
      return "none";
    case ReturnKind::failure:
      return "failure";
    case ReturnKind::delay:
      return "delay";
    case ReturnKind::success:
      return "success";
    case ReturnKind::complaint:
      return "complaint";
    case ReturnKind::automatic:
      return "automatic";
  }
  return "none";
}

Return parse_return(std::string_view message, std::string_view reverse_path) {
  auto material = lay_out(message, reverse_path);
  Return out;
  if (read_report(material, out)) {
    if (out.format.starts_with("rfc3464")) {
      complete_from_words(material, out);
      settle_kind(out, says_delay(material));
    }
    take_original(material, out);
    return out;
  }
  // A person's program that answers may quote a notice; a server's notice may call itself an
  // automatic reply.  So the sender decides.
  out = {};
  auto automatic = automatic_format(material);
  bool answered = !automatic.empty() && !material.from_daemon();
  if (!answered && read_notice(material, out)) {
    take_original(material, out);
    return out;
  }
  out = {};
  if (automatic.empty()) return out;
  out.kind = ReturnKind::automatic;
  out.format = automatic;
  return out;
}

}  // namespace todoke::queue
