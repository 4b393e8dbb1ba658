#include "queue/returns/dsn_composer.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/compose.h"
#include "mime/header.h"
#include "queue/returns/dsn_words.h"
#include "queue/returns/reply_words.h"
#include "smtp/syntax/path.h"
#include "smtp/syntax/xtext.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace todoke::queue {
namespace {

using Action = DsnRecipient::Action;

std::string_view action_text(Action action) {
  switch (action) {
    case Action::failed:
      return "failed";
    case Action::delayed:
      return "delayed";
    case Action::delivered:
      return "delivered";
    case Action::relayed:
      return "relayed";
  }
  return "failed";
}

mime::Date date_of(Time time, const DsnRequest& request) {
  return {std::chrono::floor<std::chrono::seconds>(time), request.zone_minutes};
}

// What a field of ASCII can hold of words from anywhere: one line, no more than fits unfolded.
constexpr std::size_t longest_value = 900;
std::string ascii_words(std::string_view text) {
  auto line = one_line(text, longest_value);
  std::ranges::replace_if(line, ascii::is_8bit, '?');
  return line;
}

// RFC 3464 §2.3.1, §2.3.2; beyond ASCII RFC 6533 §3, in the form that passes every server.
std::string typed_address(std::string_view type, std::string_view address) {
  if (!is_ascii(address) || ascii::equal_ignoring_case(type, "utf-8"))
    return "utf-8; " + smtp::utf8_address_encode(one_line(address, smtp::max_path * 2));
  return ascii_words(type) + "; " + ascii_words(address);
}

Result<> write_recipient(mime::HeaderWriter& fields, const DsnRecipient& recipient,
                         const DsnRequest& request) {
  if (recipient.original) {
    const auto& [type, address] = *recipient.original;
    // What the client sent as ORCPT must not stop the notice.
    auto value = typed_address(type, address);
    if (value.size() <= longest_value) {
      TRY_OK(fields.structured("Original-Recipient", value));
    }
  }
  TRY_OK(fields.structured("Final-Recipient", typed_address("rfc822", recipient.address)));
  TRY_OK(fields.structured("Action", action_text(recipient.action)));
  TRY_OK(fields.structured("Status", smtp::to_text(recipient.status)));
  if (!recipient.remote_mta.empty()) {
    TRY_OK(fields.structured("Remote-MTA", "dns; " + ascii_words(recipient.remote_mta)));
  }
  // RFC 3464 §2.3.6: type smtp is for replies only.
  auto words = ascii_words(readable_diagnostic(recipient));
  if (!words.empty()) {
    bool is_reply = words.size() >= 3 && std::ranges::all_of(words.substr(0, 3), ascii::is_digit);
    TRY_OK(fields.structured("Diagnostic-Code", (is_reply ? "smtp; " : "x-todoke; ") + words));
  }
  if (recipient.last_attempt != Time{}) {
    TRY_OK(fields.date("Last-Attempt-Date", date_of(recipient.last_attempt, request)));
  }
  if (recipient.action == Action::delayed && recipient.will_retry_until) {
    TRY_OK(fields.date("Will-Retry-Until", date_of(*recipient.will_retry_until, request)));
  }
  return {};
}

// RFC 3464 §2.1: a block for the message, then one for each recipient.
Result<std::string> status_fields(const DsnRequest& request) {
  mime::HeaderWriter message;
  if (!request.envid.empty()) {
    TRY_OK(message.structured("Original-Envelope-Id", ascii_words(request.envid)));
  }
  TRY_OK(message.structured("Reporting-MTA", "dns; " + ascii_words(request.reporting_mta)));
  TRY_OK(message.date("Arrival-Date", date_of(request.arrival, request)));
  auto out = std::move(message).take();
  for (const auto& recipient : request.recipients) {
    mime::HeaderWriter fields;
    TRY_OK(write_recipient(fields, recipient, request));
    out += "\r\n" + std::move(fields).take();
  }
  return out;
}

// RFC 2046 §5.2.1: what can stand within message/rfc822 of a mail that must pass as 7bit.
bool can_be_returned_whole(std::string_view message) {
  constexpr std::size_t longest_line = 998;
  if (message.size() > max_returned_message) return false;
  std::size_t length = 0;
  for (char c : message) {
    if (ascii::is_8bit(c) || c == '\0') return false;
    length = c == '\n' ? 0 : length + 1;
    if (length > longest_line) return false;
  }
  return true;
}

// At most the limit, and whole fields only.
std::string header_to_return(const DsnRequest& request) {
  std::string_view block = request.original_header;
  if (block.empty() && request.original_message) block = *request.original_message;
  std::string out;
  for (const auto& field : mime::split_header(block)) {
    if (field.end > max_returned_header) break;
    out += block.substr(field.begin, field.end - field.begin);
    if (!out.ends_with('\n')) out += "\r\n";
  }
  return out;
}

mime::Entity original_entity(const DsnRequest& request) {
  mime::Entity entity;
  if (request.original_message && can_be_returned_whole(*request.original_message)) {
    entity.type = "message";
    entity.subtype = "rfc822";
    entity.content = *request.original_message;
    return entity;
  }
  return mime::text_entity("rfc822-headers", header_to_return(request));
}

Result<mime::Address> mailbox(std::string name, std::string_view address) {
  TRY(auto path, smtp::parse_address(address));
  return mime::Address{mime::Address::Kind::mailbox,
                       std::move(name),
                       {},
                       std::move(path.local),
                       std::move(path.domain)};
}

Result<mime::HeaderWriter> notice_header(const DsnRequest& request) {
  using Charset = mime::HeaderWriter::AddressCharset;
  bool ascii_only = is_ascii(request.to) && is_ascii(request.from_address);
  mime::HeaderWriter header(ascii_only ? Charset::ascii : Charset::utf8);
  TRY(auto from, mailbox("Mail Delivery System", request.from_address));
  TRY(auto to, mailbox("", request.to));
  TRY_OK(header.date("Date", date_of(request.now, request)));
  TRY_OK(header.addresses("From", {from}));
  TRY_OK(header.addresses("To", {to}));
  TRY_OK(header.identifiers("Message-ID", {request.message_id}));
  auto original = header_to_return(request);  // outlives the fields
  auto fields = mime::split_header(original);
  if (const auto* id = mime::find_field(fields, "Message-ID")) {
    // Only if it is one: what others wrote must not stop the notice.
    auto text = mime::unfold(id->raw_value);
    if (text.size() > 2 && text.size() < 500 && text.starts_with('<') && text.ends_with('>'))
      (void)header.identifiers("References", {text.substr(1, text.size() - 2)});
  }
  TRY_OK(header.text("Subject", dsn_subject(request)));
  TRY_OK(header.structured("Auto-Submitted", "auto-replied"));  // RFC 3834 §5
  return header;
}

}  // namespace

// RFC 3464 §2, RFC 6522 §3.
Result<std::string> compose_dsn(const DsnRequest& request) {
  if (request.recipients.empty()) return fail(Errc::invalid, "a notice needs a recipient");
  TRY(auto header, notice_header(request));
  mime::Entity status;
  status.type = "message";
  status.subtype = "delivery-status";
  TRY(status.content, status_fields(request));
  auto report = mime::multipart("report", {mime::text_entity("plain", dsn_text(request)),
                                           std::move(status), original_entity(request)});
  report.parameters.push_back({"report-type", "delivery-status"});
  return mime::compose(std::move(header), report, request.message_id);
}

}  // namespace todoke::queue
