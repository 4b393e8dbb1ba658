#include "trust/envelope_token.h"

#include "base/encoding.h"
#include "crypto/digest.h"

namespace todoke::trust {
namespace {

constexpr std::size_t numbers_size = 8 + 4;
constexpr std::size_t proof_size = 13;
static_assert((numbers_size + proof_size) * 8 == envelope_token_length * 5);

void put_big_endian(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>((number >> shift) & 255);
}
std::uint64_t take_big_endian(std::string_view bytes) {
  std::uint64_t number = 0;
  for (unsigned char c : bytes) number = (number << 8) | c;
  return number;
}

// The words in front keep apart what the key may also be used for.
std::string proof_of(std::string_view key, std::string_view numbers) {
  auto proof = crypto::hmac_sha256(key, "todoke envelope token\n" + std::string(numbers));
  proof.resize(proof_size);
  return proof;
}

}  // namespace

std::string make_envelope_token(std::string_view key, const EnvelopeToken& token) {
  std::string bytes;
  put_big_endian(bytes, static_cast<std::uint64_t>(token.message_id), 8);
  put_big_endian(bytes, static_cast<std::uint32_t>(token.number), 4);
  bytes += proof_of(key, bytes);
  return base32_encode(bytes);
}

std::optional<EnvelopeToken> open_envelope_token(std::string_view key, std::string_view text) {
  if (text.size() != envelope_token_length) return {};
  const auto bytes = base32_decode(text);
  if (!bytes) return {};
  const auto numbers = std::string_view(*bytes).substr(0, numbers_size);
  if (!crypto::equal(proof_of(key, numbers), std::string_view(*bytes).substr(numbers_size)))
    return {};
  return EnvelopeToken{static_cast<std::int64_t>(take_big_endian(numbers.substr(0, 8))),
                       static_cast<std::int32_t>(take_big_endian(numbers.substr(8)))};
}

}  // namespace todoke::trust
