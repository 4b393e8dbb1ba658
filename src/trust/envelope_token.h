#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Return paths that name the recipient (VERP): what comes back to <b+TOKEN@bounces.example> tells
// which copy of which message it is about, and only we can have made the token, so that a forged
// bounce says nothing about anybody.
namespace todoke::trust {

// Of every token: with "b+" in front it stays well under the 64 of RFC 5321 §4.5.3.1.1.
constexpr std::size_t envelope_token_length = 40;

struct EnvelopeToken {
  std::int64_t message_id = 0;
  std::int32_t number = 0;  // of the recipient, counted within the message
  friend bool operator==(const EnvelopeToken&, const EnvelopeToken&) = default;
};

// Lower-case letters and digits: both numbers, and 104 bits of an HMAC-SHA256 over them.  The key
// is secret and of any length; 32 random bytes are enough.
std::string make_envelope_token(std::string_view key, const EnvelopeToken& token);

// What such a text says, in any case, as other servers may change it; nothing when it was not made
// with this key.  Takes the same time for every wrong one of the right form.
std::optional<EnvelopeToken> open_envelope_token(std::string_view key, std::string_view text);

}  // namespace todoke::trust
