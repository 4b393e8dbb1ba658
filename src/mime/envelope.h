#pragma once

#include "base/result.h"
#include "mime/address.h"
#include "mime/header.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::mime {

class WireReader;
class WireWriter;

// What IMAP's ENVELOPE says of a message (RFC 9051 §7.5.2), in header order of that section.  Texts
// are unfolded and not decoded; raw 8-bit and raw ISO-2022-JP text has become UTF-8, so that every
// member is valid UTF-8.  Absent and empty are told apart.
struct Envelope {
  std::optional<std::string> date;
  std::optional<std::string> subject;
  AddressList from;
  AddressList sender;    // `from` when the header has none, as the section asks
  AddressList reply_to;  // likewise
  AddressList to;
  AddressList cc;
  AddressList bcc;
  std::optional<std::string> in_reply_to;
  std::optional<std::string> message_id;
  bool truncated = false;  // a field had more addresses than the limit

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// `max_total` bounds the addresses of all fields together.  A field that stands twice: the
// addresses are joined, of texts the first counts.
Envelope parse_envelope(const std::vector<HeaderField>& fields,
                        std::size_t max_total = 6 * max_addresses);
Envelope parse_envelope(std::string_view header_block);

// How many addresses it holds.
std::size_t address_count(const Envelope& envelope);

// The stored form, with a version in front.  decode answers `corrupt` for anything else.
std::string encode(const Envelope& envelope);
Result<Envelope> decode_envelope(std::string_view bytes);

// The same inside a larger stored form.
void write(WireWriter& out, const Envelope& envelope);
Envelope read_envelope(WireReader& in);

}  // namespace todoke::mime
