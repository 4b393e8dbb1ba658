#include "crypto/random.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/sodium_start.h"

#include <sodium.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace todoke::crypto {
namespace {

// Without b (6), g (9), i, l, o, q (9), s (5), u, v, z (2) and without 0 and 1.
constexpr std::string_view readable = "acdefhjkmnprtwxy23456789";

}  // namespace

void start_sodium() {
  static const bool ready = sodium_init() >= 0;
  TODOKE_ASSERT(ready);
}

std::string random_bytes(std::size_t count) {
  start_sodium();
  std::string out(count, '\0');
  randombytes_buf(out.data(), out.size());
  return out;
}

std::string random_token(std::size_t bytes) {
  auto token = base64_encode(random_bytes(bytes));
  std::ranges::replace(token, '+', '-');
  std::ranges::replace(token, '/', '_');
  while (token.ends_with('=')) token.pop_back();
  return token;
}

std::string random_password() {
  start_sodium();
  constexpr int symbols = 18;  // 18 · log2(24) = 82.5 bits
  std::string out;
  for (int i = 0; i < symbols; ++i) {
    if (i != 0 && i % 6 == 0) out += '-';
    out += readable[randombytes_uniform(static_cast<std::uint32_t>(readable.size()))];
  }
  return out;
}

}  // namespace todoke::crypto
