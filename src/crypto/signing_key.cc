#include "crypto/signing_key.h"

#include "base/assert.h"
#include "base/encoding.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <limits>
#include <mutex>
#include <vector>

namespace todoke::crypto {
namespace {

constexpr std::size_t digest_length = 32;
constexpr int new_rsa_bits = 2048;
constexpr int min_rsa_bits = 1024, max_rsa_bits = 4096;

template <auto free_function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data_of(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

std::string take_text(BIO* bio) {
  char* data = nullptr;
  auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

// Whoever reads a key for us never asks at the terminal for its password.
int no_password(char*, int, int, void*) {
  return -1;
}

// What one thread signs with at a time.  It has a copy of the key of its own, as threads that sign
// with one RSA object wait for the lock of its blinding factors.
struct RsaSigner {
  explicit RsaSigner(EVP_PKEY* shared)
      : key(EVP_PKEY_dup(shared)), context(EVP_PKEY_CTX_new(key.get(), nullptr)) {
    TODOKE_ASSERT(context != nullptr);
    auto ready = EVP_PKEY_sign_init(context.get()) == 1 &&
                 EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1;
    TODOKE_ASSERT(ready);
  }
  Key key;
  KeyContext context;
};

std::string sign_rsa(RsaSigner& signer, std::string_view digest) {
  auto length = static_cast<std::size_t>(EVP_PKEY_get_size(signer.key.get()));
  std::string out(length, '\0');
  auto done =
      EVP_PKEY_sign(signer.context.get(), data_of(out), &length, data_of(digest), digest.size());
  TODOKE_ASSERT(done == 1);
  out.resize(length);
  return out;
}

std::string sign_ed25519(EVP_PKEY* key, std::string_view digest) {
  std::string out(64, '\0');
  auto length = out.size();
  DigestContext context(EVP_MD_CTX_new());
  auto done =
      context != nullptr &&
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
      EVP_DigestSign(context.get(), data_of(out), &length, data_of(digest), digest.size()) == 1;
  TODOKE_ASSERT(done && length == out.size());
  return out;
}

}  // namespace

struct SigningKey::State {
  State(Key made, KeyAlgorithm kind) : key(std::move(made)), algorithm(kind) {}

  Key key;
  KeyAlgorithm algorithm;

  // Signers at rest: as many as ever signed at once.  The lock is held for a push or a pop, which
  // is nothing beside half a millisecond of RSA.
  std::mutex mutex;
  std::vector<std::unique_ptr<RsaSigner>> resting;

  std::unique_ptr<RsaSigner> borrow() {
    {
      std::lock_guard lock(mutex);
      if (!resting.empty()) {
        auto signer = std::move(resting.back());
        resting.pop_back();
        return signer;
      }
    }
    return std::make_unique<RsaSigner>(key.get());
  }
  void give_back(std::unique_ptr<RsaSigner> signer) {
    std::lock_guard lock(mutex);
    resting.push_back(std::move(signer));
  }
};

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::generate(KeyAlgorithm algorithm) {
  Key key(algorithm == KeyAlgorithm::rsa
              ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{new_rsa_bits})
              : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  TODOKE_ASSERT(key != nullptr);
  return SigningKey(std::make_unique<State>(std::move(key), algorithm));
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
  if (pem.size() > std::size_t{64} * 1024) return fail(Errc::invalid, "a private key is smaller");
  Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  TODOKE_ASSERT(bio != nullptr);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (key == nullptr) return fail(Errc::invalid, "no private key in PEM form, or an encrypted one");
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_RSA: {
      const auto bits = EVP_PKEY_get_bits(key.get());
      if (bits < min_rsa_bits || bits > max_rsa_bits)
        return fail(Errc::invalid, "an RSA key must have 1024 to 4096 bits");
      return SigningKey(std::make_unique<State>(std::move(key), KeyAlgorithm::rsa));
    }
    case EVP_PKEY_ED25519:
      return SigningKey(std::make_unique<State>(std::move(key), KeyAlgorithm::ed25519));
    default:
      return fail(Errc::invalid, "neither an RSA nor an Ed25519 key");
  }
}

std::string SigningKey::to_pem() const {
  // Memory that is wiped when it is freed.
  Bio bio(BIO_new(BIO_s_secmem()));
  auto done = bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), state_->key.get(), nullptr,
                                                              nullptr, 0, nullptr, nullptr) == 1;
  TODOKE_ASSERT(done);
  return take_text(bio.get());
}

KeyAlgorithm SigningKey::algorithm() const {
  return state_->algorithm;
}

int SigningKey::bits() const {
  return EVP_PKEY_get_bits(state_->key.get());
}

std::string SigningKey::public_key() const {
  if (state_->algorithm == KeyAlgorithm::ed25519) {
    std::string raw(32, '\0');
    auto length = raw.size();
    auto done = EVP_PKEY_get_raw_public_key(state_->key.get(), data_of(raw), &length);
    TODOKE_ASSERT(done == 1 && length == raw.size());
    return base64_encode(raw);
  }
  Bio bio(BIO_new(BIO_s_mem()));
  auto done = bio != nullptr && i2d_PUBKEY_bio(bio.get(), state_->key.get()) == 1;
  TODOKE_ASSERT(done);
  return base64_encode(take_text(bio.get()));
}

std::string SigningKey::sign(std::string_view sha256) const {
  TODOKE_ASSERT(sha256.size() == digest_length);
  if (state_->algorithm == KeyAlgorithm::ed25519) return sign_ed25519(state_->key.get(), sha256);
  auto signer = state_->borrow();
  auto signature = sign_rsa(*signer, sha256);
  state_->give_back(std::move(signer));
  return signature;
}

}  // namespace todoke::crypto
