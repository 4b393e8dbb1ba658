#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace todoke::crypto {

enum class KeyAlgorithm { rsa, ed25519 };

// A private key that signs SHA-256 digests, as DKIM does.  Immutable; any thread may sign with one
// key at once, and several threads do not wait for each other.  The private part is wiped when the
// object dies; the text of to_pem() is for the caller to guard, and never for a log.
class SigningKey {
 public:
  // A new key; RSA of 2048 bits takes about a tenth of a second: stay off the I/O threads.
  static SigningKey generate(KeyAlgorithm algorithm);

  // Reads PEM: PKCS#8 (RFC 5208), or the older "RSA PRIVATE KEY" that other mail servers keep.
  // Errc::invalid when it is no such key, is encrypted, or is an RSA key of less than 1024 or more
  // than 4096 bits (RFC 8301 §3.2).
  static Result<SigningKey> from_pem(std::string_view pem);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  // PKCS#8 in PEM, not encrypted.
  std::string to_pem() const;

  KeyAlgorithm algorithm() const;
  int bits() const;

  // The public key as DNS records of DKIM have it, in base64: SubjectPublicKeyInfo for RSA
  // (RFC 6376 §3.6.1), the bare 32 bytes for Ed25519 (RFC 8463 §4.2).
  std::string public_key() const;

  // Signs 32 bytes, the SHA-256 of what is meant: RSASSA-PKCS1-v1_5 (RFC 6376 §3.3.1), or PureEdDSA
  // of the digest (RFC 8463 §3).  The same digest always gives the same bytes.
  std::string sign(std::string_view sha256) const;

 private:
  struct State;
  explicit SigningKey(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace todoke::crypto
