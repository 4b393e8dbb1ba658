#pragma once

#include <cstddef>

// What one message may cost us (mail-server rule R5).  A message that exceeds a limit is never
// refused here: what lies beyond is kept as opaque body, and a flag in the result says so.
namespace todoke::mime {

// All header blocks of a message together: its own, its parts' and its nested messages'.
constexpr std::size_t max_header_bytes = 1'000'000;
// Fields of one header block.
constexpr std::size_t max_header_fields = 20'000;
// How deep parts may stand within parts; the message itself has depth 0.
constexpr std::size_t max_depth = 50;
// Parts of a message, the message itself counted.
constexpr std::size_t max_parts = 1'000;
// Parameters of one Content-Type or Content-Disposition field.
constexpr std::size_t max_parameters = 64;
// Addresses of one field.
constexpr std::size_t max_addresses = 10'000;
// Addresses in the envelopes of all messages nested in one message.
constexpr std::size_t max_nested_addresses = 20'000;
// A boundary longer than this is not recognised (RFC 2046 §5.1.1 allows 70).
constexpr std::size_t max_boundary = 512;

}  // namespace todoke::mime
