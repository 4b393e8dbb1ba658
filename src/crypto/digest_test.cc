#include "crypto/digest.h"

#include "base/encoding.h"
#include "crypto/digest_stream.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::crypto;

TEST_CASE("digests of \"abc\", FIPS 180-4 and RFC 1321 §A.5") {
  CHECK(hex_encode(sha256("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_encode(sha512("abc")) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  CHECK(hex_encode(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(hex_encode(md5("abc")) == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(hex_encode(md5({})) == "d41d8cd98f00b204e9800998ecf8427e");
}

TEST_CASE("HMAC-SHA-256, RFC 4231 §4.3 and §4.7") {
  CHECK(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("an empty key is a key, not the one of the call before") {
  (void)hmac_sha256("another key", "");
  CHECK(hex_encode(hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("PBKDF2-HMAC-SHA-256, RFC 7914 §11 and another implementation") {
  CHECK(hex_encode(pbkdf2_hmac_sha256("passwd", "salt", 1, 64)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
  CHECK(hex_encode(pbkdf2_hmac_sha256("password", "salt", 4096)) ==
        "c5e478d59288c841aa530db6845c4c8d962893a001ce4e11a4963873aa98134a");
}

TEST_CASE("equal") {
  CHECK(equal("", ""));
  CHECK(equal("secret", "secret"));
  CHECK_FALSE(equal("secret", "secreT"));
  CHECK_FALSE(equal("secret", "secret "));
  CHECK_FALSE(equal("secret", ""));
}

TEST_CASE("SHA-256 in pieces is that of the whole") {
  std::string text(1000, 'x');
  Sha256 pieces;
  for (std::size_t i = 0; i < text.size(); i += 7)
    pieces.update(std::string_view(text).substr(i, 7));
  CHECK(pieces.finish() == sha256(text));
  CHECK(Sha256().finish() == sha256(""));
}
