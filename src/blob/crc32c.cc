#include "blob/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace todoke::blob {
namespace {

constexpr std::uint32_t polynomial = 0x82F63B78;  // reflected

// tables[k][b]: the sum of byte b followed by k zero bytes.
constexpr auto tables = [] {
  std::array<std::array<std::uint32_t, 256>, 8> t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    auto c = b;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? polynomial : 0);
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = (t[k - 1][b] >> 8) ^ t[0][t[k - 1][b] & 0xFF];
  return t;
}();

std::uint64_t load64(const char* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

#if defined(__x86_64__)

// The instruction takes three cycles and one can start in each, so three independent streams are
// summed side by side.  `shift` tables then move a stream's sum past the bytes that follow it.
constexpr std::size_t stream = 1024;

constexpr std::uint32_t after_zeros(std::uint32_t c, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) c = (c >> 8) ^ tables[0][c & 0xFF];
  return c;
}

// The move is linear, so a table for each byte of the sum is enough.
const auto& shift_tables() {
  static const auto made = [] {
    std::array<std::array<std::uint32_t, 256>, 4> t{};
    for (std::uint32_t k = 0; k < 4; ++k)
      for (std::uint32_t b = 0; b < 256; ++b) t[k][b] = after_zeros(b << (8 * k), stream);
    return t;
  }();
  return made;
}

std::uint32_t shift(std::uint32_t c) {
  const auto& t = shift_tables();
  return t[0][c & 0xFF] ^ t[1][(c >> 8) & 0xFF] ^ t[2][(c >> 16) & 0xFF] ^ t[3][c >> 24];
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_hardware(std::string_view bytes,
                                                                std::uint32_t seed) {
  const auto* p = bytes.data();
  auto left = bytes.size();
  std::uint64_t a = ~seed;
  while (left >= 3 * stream) {
    std::uint64_t b = 0, c = 0;
    for (std::size_t i = 0; i < stream; i += 8) {
      a = _mm_crc32_u64(a, load64(p + i));
      b = _mm_crc32_u64(b, load64(p + stream + i));
      c = _mm_crc32_u64(c, load64(p + 2 * stream + i));
    }
    auto joined = shift(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b);
    a = shift(joined) ^ static_cast<std::uint32_t>(c);
    p += 3 * stream;
    left -= 3 * stream;
  }
  for (; left >= 8; p += 8, left -= 8) a = _mm_crc32_u64(a, load64(p));
  auto sum = static_cast<std::uint32_t>(a);
  for (; left > 0; ++p, --left) sum = _mm_crc32_u8(sum, static_cast<unsigned char>(*p));
  return ~sum;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t seed) {
  const auto* p = bytes.data();
  auto left = bytes.size();
  auto c = ~seed;
  for (; left >= 8; p += 8, left -= 8) {
    auto v = load64(p) ^ c;
    std::uint32_t next = 0;
    for (std::size_t k = 0; k < 8; ++k) next ^= tables[7 - k][(v >> (8 * k)) & 0xFF];
    c = next;
  }
  for (; left > 0; ++p, --left)
    c = (c >> 8) ^ tables[0][(c ^ static_cast<unsigned char>(*p)) & 0xFF];
  return ~c;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  static const bool hardware = __builtin_cpu_supports("sse4.2") != 0;
  if (hardware) return crc32c_hardware(bytes, seed);
#endif
  return crc32c_portable(bytes, seed);
}

}  // namespace todoke::blob
