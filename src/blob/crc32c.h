#pragma once

#include <cstdint>
#include <string_view>

namespace todoke::blob {

// CRC-32C (Castagnoli, RFC 3720 §12.1) of `bytes`, continuing from `seed`, so that
// crc32c(b, crc32c(a)) is the sum of a and b joined.  Different seeds give different sums for equal
// bytes, always: we use that to tie bytes to the record they belong to.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

// The same by table, as on processors without the instruction; apart for the tests.
std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed = 0);

}  // namespace todoke::blob
