#include "crypto/digest.h"

#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <limits>

namespace todoke::crypto {
namespace {

constexpr std::size_t sha256_length = 32;

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data_of(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
  auto done = EVP_Digest(bytes.data(), bytes.size(), data_of(out), nullptr, kind, nullptr);
  TODOKE_ASSERT(done == 1);
  return out;
}

int to_int(std::size_t size) {
  TODOKE_ASSERT(size <= std::numeric_limits<int>::max());
  return static_cast<int>(size);
}

}  // namespace

std::string sha256(std::string_view bytes) {
  return digest(EVP_sha256(), bytes);
}
std::string sha512(std::string_view bytes) {
  return digest(EVP_sha512(), bytes);
}
std::string sha1(std::string_view bytes) {
  return digest(EVP_sha1(), bytes);
}
std::string md5(std::string_view bytes) {
  return digest(EVP_md5(), bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  // OpenSSL takes a null key for "the key of the last call".
  if (key.data() == nullptr) key = "";
  std::string out(sha256_length, '\0');
  auto* done = HMAC(EVP_sha256(), key.data(), to_int(key.size()), data_of(bytes), bytes.size(),
                    data_of(out), nullptr);
  TODOKE_ASSERT(done != nullptr);
  return out;
}

std::string pbkdf2_hmac_sha256(std::string_view password, std::string_view salt,
                               std::uint32_t iterations, std::size_t length) {
  TODOKE_ASSERT(iterations > 0 && length > 0);
  std::string out(length, '\0');
  const char* secret = password.data();
  auto done = PKCS5_PBKDF2_HMAC(secret, to_int(password.size()), data_of(salt), to_int(salt.size()),
                                to_int(iterations), EVP_sha256(), to_int(length), data_of(out));
  TODOKE_ASSERT(done == 1);
  return out;
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace todoke::crypto
