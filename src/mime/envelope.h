#pragma once

#include "base/result.h"
#include "mime/address.h"
#include "mime/header.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::mime {

// What IMAP's ENVELOPE says of a message (RFC 9051 §7.5.2), in header order of that section.  Texts
// are unfolded and not decoded; raw 8-bit and raw ISO-2022-JP text has become UTF-8, so that every
// member is valid UTF-8; NUL has become "?".  Absent and empty are told apart.
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

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

// `max_total` bounds the addresses of all fields together; `truncated`, when given, becomes true if
// there were more.  A field that stands twice: the addresses are joined, of texts the first counts.
Envelope parse_envelope(const std::vector<HeaderField>& fields,
                        std::size_t max_total = 6 * max_addresses, bool* truncated = nullptr);
Envelope parse_envelope(std::string_view header_block);

// How many addresses it holds.
std::size_t address_count(const Envelope& envelope);

// The stored form is the very text that IMAP answers with (RFC 9051 §7.5.2), so that FETCH ENVELOPE
// copies it: `("date" "subject" (("name" NIL "local" "domain")) …)`.  Strings of 7-bit text are
// quoted, others are literals of UTF-8.  decode answers `corrupt` for what encode cannot have
// written.
std::string encode(const Envelope& envelope);
Result<Envelope> decode_envelope(std::string_view text);

}  // namespace todoke::mime
