#include "crypto/signing_key.h"

#include "base/encoding.h"
#include "crypto/digest.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>
#include <vector>

using namespace todoke;
using namespace todoke::crypto;

namespace {

std::string pkcs8(std::string_view der) {
  return "-----BEGIN PRIVATE KEY-----\n" + base64_encode(der) + "\n-----END PRIVATE KEY-----\n";
}
std::string ed25519_pem(std::string_view hex_seed) {
  return pkcs8(*hex_decode("302e020100300506032b657004220420") + *hex_decode(hex_seed));
}

}  // namespace

// The messages there have other lengths than a digest, so this is only the key; signatures that an
// RFC gives are in trust/dkim_signer_test.cc.
TEST_CASE("signing key: Ed25519 public keys of RFC 8032 §7.1") {
  auto key = SigningKey::from_pem(
      ed25519_pem("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"));
  REQUIRE(key);
  CHECK(key->algorithm() == KeyAlgorithm::ed25519);
  CHECK(hex_encode(*base64_decode(key->public_key())) ==
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf");
}

TEST_CASE("signing key: a generated key survives its PEM") {
  const auto digest = sha256("届け");
  for (auto algorithm : {KeyAlgorithm::rsa, KeyAlgorithm::ed25519}) {
    auto key = SigningKey::generate(algorithm);
    CHECK(key.algorithm() == algorithm);
    CHECK(key.bits() == (algorithm == KeyAlgorithm::rsa ? 2048 : 256));
    const auto pem = key.to_pem();
    CHECK(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    auto again = SigningKey::from_pem(pem);
    REQUIRE(again);
    CHECK(again->algorithm() == algorithm);
    CHECK(again->to_pem() == pem);
    CHECK(again->public_key() == key.public_key());
    CHECK(again->sign(digest) == key.sign(digest));
    CHECK(key.sign(digest) == key.sign(digest));
    CHECK(key.sign(sha256("other")) != key.sign(digest));
    CHECK(key.sign(digest).size() == (algorithm == KeyAlgorithm::rsa ? 256 : 64));
    CHECK(base64_decode(key.public_key())->size() == (algorithm == KeyAlgorithm::rsa ? 294 : 32));
    CHECK(SigningKey::generate(algorithm).public_key() != key.public_key());
  }
}

TEST_CASE("signing key: what is no key of ours") {
  const auto rsa = SigningKey::generate(KeyAlgorithm::rsa).to_pem();
  const std::string texts[] = {
      "",
      "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
      rsa.substr(0, rsa.size() / 2),
      std::string(100'000, 'A'),
      // An X25519 key: for agreement, not for signing.
      pkcs8(*hex_decode("302e020100300506032b656e04220420"
                        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")),
      // Encrypted: nobody is asked for the password.
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
      "00000000000000000000000000000000\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
      "-----END RSA PRIVATE KEY-----\n",
  };
  for (const auto& text : texts) {
    CAPTURE(text);
    auto key = SigningKey::from_pem(text);
    REQUIRE(!key);
    CHECK(key.error().code == Errc::invalid);
  }
  // 512 bits, which anybody factors.
  auto weak = SigningKey::from_pem(
      "-----BEGIN PRIVATE KEY-----\n"
      "MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAofHDsI2BKy3GXctb\n"
      "ZsLhus07xxKosilshAtlRwkv2uy8dzXQ8q6ysRT0PKPxUOFFQo7MVs2gP/JQwvK+\n"
      "glksmwIDAQABAkBZfvyAg5MQw7lOeGXIwoZw757Lg1pLK21XA90yhrc1qqHKgU3u\n"
      "Ht2B8IfQAGSaMqEXiX8nwNhpOl1l/U0z0cphAiEA0kKl9Qz9M2TaYHeQW10gH1xO\n"
      "W9NgQWZ4A+WZbkO4nXMCIQDFLGlZBkXLAf9Gn19pCTSFoaR+W8KHQF9ocVN3c6Hq\n"
      "OQIhAKtIeAFkj2+qnOsw+3wyJNTnUT4kt6kPXH1wMMlOibpZAiBjtRqs5ywiBaeG\n"
      "mg9QeVQzA1PAhjxv0tCsaypvLG1DmQIgHQVv9XM7+CbhGuAEjb8XDRgehSFdmXnP\n"
      "APal2opOW94=\n"
      "-----END PRIVATE KEY-----\n");
  REQUIRE(!weak);
  CHECK(weak.error().text == "an RSA key must have 1024 to 4096 bits");
}

TEST_CASE("signing key: many threads, one key") {
  for (auto algorithm : {KeyAlgorithm::rsa, KeyAlgorithm::ed25519}) {
    const auto key = SigningKey::generate(algorithm);
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) expected.push_back(key.sign(sha256(std::to_string(i))));
    std::vector<int> wrong(4);
    std::vector<std::thread> threads;
    for (auto& count : wrong)
      threads.emplace_back([&] {
        for (std::size_t i = 0; i < expected.size(); ++i)
          count += key.sign(sha256(std::to_string(i))) != expected[i];
      });
    for (auto& thread : threads) thread.join();
    CHECK(std::set<int>(wrong.begin(), wrong.end()) == std::set<int>{0});
  }
}
