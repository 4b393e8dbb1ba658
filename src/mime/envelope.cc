#include "mime/envelope.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/wire.h"

#include <algorithm>
#include <iterator>

namespace todoke::mime {
namespace {

constexpr std::uint64_t envelope_version = 1;

void write_list(WireWriter& out, const AddressList& list) {
  out.number(list.size());
  for (const auto& address : list) {
    out.number(static_cast<std::uint64_t>(address.kind));
    if (address.kind == Address::Kind::group_end) continue;
    out.text(address.name);
    if (address.kind == Address::Kind::group_start) continue;
    out.text(address.route);
    out.text(address.local);
    out.text(address.domain);
  }
}

AddressList read_list(WireReader& in) {
  AddressList list(in.count(1, max_addresses));
  for (auto& address : list) {
    auto kind = in.number();
    if (kind > static_cast<std::uint64_t>(Address::Kind::group_end)) in.bad();
    address.kind = static_cast<Address::Kind>(kind);
    if (!in.good()) return {};
    if (address.kind == Address::Kind::group_end) continue;
    address.name = in.text();
    if (address.kind == Address::Kind::group_start) continue;
    address.route = in.text();
    address.local = in.text();
    address.domain = in.text();
  }
  return list;
}

}  // namespace

Envelope parse_envelope(const std::vector<HeaderField>& fields, std::size_t max_total) {
  Envelope envelope;
  auto text = [&](std::optional<std::string>& member, std::string_view raw_value) {
    if (!member) member = valid_utf8(header_to_utf8(unfold(raw_value)));
  };
  auto addresses = [&](AddressList& member, std::string_view raw_value) {
    auto parsed = parse_addresses(raw_value, std::min(max_total, max_addresses - member.size()));
    max_total -= parsed.addresses.size();
    envelope.truncated = envelope.truncated || parsed.truncated;
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

void write(WireWriter& out, const Envelope& envelope) {
  out.optional_text(envelope.date);
  out.optional_text(envelope.subject);
  write_list(out, envelope.from);
  // Mostly these two repeat `from`; then they are not written again.
  bool same_sender = envelope.sender == envelope.from;
  bool same_reply_to = envelope.reply_to == envelope.from;
  out.number((same_sender ? 1 : 0) | (same_reply_to ? 2 : 0) | (envelope.truncated ? 4 : 0));
  if (!same_sender) write_list(out, envelope.sender);
  if (!same_reply_to) write_list(out, envelope.reply_to);
  write_list(out, envelope.to);
  write_list(out, envelope.cc);
  write_list(out, envelope.bcc);
  out.optional_text(envelope.in_reply_to);
  out.optional_text(envelope.message_id);
}

Envelope read_envelope(WireReader& in) {
  Envelope envelope;
  envelope.date = in.optional_text();
  envelope.subject = in.optional_text();
  envelope.from = read_list(in);
  auto flags = in.number();
  envelope.truncated = (flags & 4) != 0;
  envelope.sender = (flags & 1) != 0 ? envelope.from : read_list(in);
  envelope.reply_to = (flags & 2) != 0 ? envelope.from : read_list(in);
  envelope.to = read_list(in);
  envelope.cc = read_list(in);
  envelope.bcc = read_list(in);
  envelope.in_reply_to = in.optional_text();
  envelope.message_id = in.optional_text();
  return envelope;
}

std::string encode(const Envelope& envelope) {
  WireWriter out;
  out.number(envelope_version);
  write(out, envelope);
  return std::move(out).take();
}

Result<Envelope> decode_envelope(std::string_view bytes) {
  WireReader in(bytes);
  auto version = in.number();
  auto envelope = read_envelope(in);
  if (version != envelope_version || !in.good() || !in.at_end())
    return fail(Errc::corrupt, "stored envelope is damaged");
  return envelope;
}

}  // namespace todoke::mime
