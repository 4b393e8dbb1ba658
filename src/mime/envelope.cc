#include "mime/envelope.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/charset.h"

#include <algorithm>
#include <iterator>

namespace todoke::mime {
namespace {

// No string of IMAP can hold NUL, and no header should.
std::string without_nul(std::string_view raw_value) {
  std::string text(raw_value);
  std::ranges::replace(text, '\0', '?');
  return text;
}

}  // namespace

Envelope parse_envelope(const std::vector<HeaderField>& fields, std::size_t max_total,
                        bool* truncated) {
  Envelope envelope;
  auto text = [&](std::optional<std::string>& member, std::string_view raw_value) {
    if (!member) member = valid_utf8(header_to_utf8(unfold(without_nul(raw_value))));
  };
  auto addresses = [&](AddressList& member, std::string_view raw_value) {
    auto parsed =
        parse_addresses(without_nul(raw_value), std::min(max_total, max_addresses - member.size()));
    max_total -= parsed.addresses.size();
    if (truncated != nullptr && parsed.truncated) *truncated = true;
    std::ranges::move(parsed.addresses, std::back_inserter(member));
  };
  for (const auto& field : fields) {
    auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(field.name, name); };
    if (is("Date")) text(envelope.date, field.raw_value);
    if (is("Subject")) text(envelope.subject, field.raw_value);
    if (is("From")) addresses(envelope.from, field.raw_value);
    if (is("Sender")) addresses(envelope.sender, field.raw_value);
    if (is("Reply-To")) addresses(envelope.reply_to, field.raw_value);
    if (is("To")) addresses(envelope.to, field.raw_value);
    if (is("Cc")) addresses(envelope.cc, field.raw_value);
    if (is("Bcc")) addresses(envelope.bcc, field.raw_value);
    if (is("In-Reply-To")) text(envelope.in_reply_to, field.raw_value);
    if (is("Message-ID")) text(envelope.message_id, field.raw_value);
  }
  if (envelope.sender.empty()) envelope.sender = envelope.from;
  if (envelope.reply_to.empty()) envelope.reply_to = envelope.from;
  return envelope;
}

Envelope parse_envelope(std::string_view header_block) {
  return parse_envelope(split_header(header_block));
}

std::size_t address_count(const Envelope& e) {
  return e.from.size() + e.sender.size() + e.reply_to.size() + e.to.size() + e.cc.size() +
         e.bcc.size();
}

}  // namespace todoke::mime
