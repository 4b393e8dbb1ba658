#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// Digests and what is built on them.  All answers are raw bytes; base/encoding.h makes text.
namespace todoke::crypto {

std::string sha256(std::string_view bytes);
std::string sha512(std::string_view bytes);

// For comparing with hashes and formats that others chose.  Nothing new may rest on these two.
std::string sha1(std::string_view bytes);
std::string md5(std::string_view bytes);

// RFC 2104, 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// RFC 8018 §5.2.  Both numbers at least 1.  Takes about a second per three million iterations:
// callers bound `iterations` and stay off the I/O threads.
std::string pbkdf2_hmac_sha256(std::string_view password, std::string_view salt,
                               std::uint32_t iterations, std::size_t length = 32);

// Whether both are the same bytes, in a time that depends on the lengths alone (rule R9).  Use it
// for every secret, and only where the length is no secret; otherwise compare digests.
bool equal(std::string_view a, std::string_view b);

}  // namespace todoke::crypto
