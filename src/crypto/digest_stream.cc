#include "crypto/digest_stream.h"

#include "base/assert.h"

#include <openssl/evp.h>

namespace todoke::crypto {

struct Sha256::State {
  State() : context(EVP_MD_CTX_new()) {
    auto done = context != nullptr ? EVP_DigestInit_ex(context, EVP_sha256(), nullptr) : 0;
    TODOKE_ASSERT(done == 1);
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  EVP_MD_CTX* context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) {
  auto done = EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
  TODOKE_ASSERT(done == 1);
}

std::string Sha256::finish() {
  std::string out(32, '\0');
  auto done =
      EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  TODOKE_ASSERT(done == 1);
  return out;
}

}  // namespace todoke::crypto
