#pragma once

#include <cstddef>
#include <string>

// Randomness from the kernel's generator, fit for keys.  Never fails: a system without it ends the
// process.
namespace todoke::crypto {

std::string random_bytes(std::size_t count);

// `bytes` random bytes as base64url without padding (RFC 4648 §5): letters, digits, '-' and '_',
// so it may stand in a URL, a header or a file name.  16 bytes are enough for a secret.
std::string random_token(std::size_t bytes);

// A password for people to read from paper and type, such as `x7kmra-3wtn9p-h4cydf`: three groups
// of six lower-case letters and digits of which no two are mistaken for each other.  82 bits.
std::string random_password();

}  // namespace todoke::crypto
