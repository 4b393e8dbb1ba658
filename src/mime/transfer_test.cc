#include "mime/transfer.h"

#include "base/encoding.h"

#include <doctest/doctest.h>

#include <random>

using namespace todoke::mime;

namespace {

std::string in_chunks(std::string_view bytes, TransferEncoding encoding, std::mt19937& random) {
  std::string out;
  TransferDecoder decoder(encoding);
  while (!bytes.empty()) {
    auto piece = bytes.substr(0, random() % 4);
    decoder.feed(piece, out);
    bytes.remove_prefix(piece.size());
  }
  decoder.finish(out);
  return out;
}

std::string qp(std::string_view text) {
  return decode_transfer(text, TransferEncoding::quoted_printable);
}
std::string b64(std::string_view text) {
  return decode_transfer(text, TransferEncoding::base64);
}

}  // namespace

TEST_CASE("names of transfer encodings") {
  CHECK(transfer_encoding(" Base64 ") == TransferEncoding::base64);
  CHECK(transfer_encoding("QUOTED-PRINTABLE (sic)") == TransferEncoding::quoted_printable);
  CHECK(transfer_encoding("8bit") == TransferEncoding::identity);
  CHECK(transfer_encoding("") == TransferEncoding::identity);
}

TEST_CASE("RFC 2045 §6.7: quoted-printable") {
  CHECK(qp("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.") ==
        "Now's the time for all folk to come to the aid of their country.");
  CHECK(qp("a=3Db=E5=B1=8a") == "a=b届");
  CHECK(qp("trailing  \t \r\nx \n") == "trailing\r\nx\n");
  CHECK(qp("soft = \t\r\nbreak") == "soft break");
  CHECK(qp("1+1=2, =G1, =4") == "1+1=2, =G1, =4");
  CHECK(qp("=4G==41") == "=4G=A");
  CHECK(qp("a\rb =\rc") == "a\rb =\rc");
  CHECK(qp("end=") == "end");
  CHECK(qp("a   ") == "a");
}

TEST_CASE("RFC 2045 §6.8: base64, tolerant") {
  CHECK(b64("5bGK\r\n44GR\r\n") == "届け");
  CHECK(b64("YQ==YWI=") == "aab");
  CHECK(b64("Y Q*") == "a");
  CHECK(b64("YWJj!Z") == "abc");
  CHECK(b64("====") == "");
}

TEST_CASE("encode, then decode, in any chunks") {
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    for (auto n = random() % 400; n > 0; --n)
      bytes += random() % 8 == 0 ? " \t.=\r\n\0F"[random() % 8] : static_cast<char>(random());
    auto encoded = encode_base64_lines(bytes);
    CHECK(in_chunks(encoded, TransferEncoding::base64, random) == bytes);

    std::string text;
    for (char c : bytes)
      if (c != '\r' && c != '\n') text += c == 'z' ? "\r\n" : std::string(1, c);
    encoded = encode_quoted_printable(text);
    CHECK(in_chunks(encoded, TransferEncoding::quoted_printable, random) == text);
    for (std::size_t at = 0; at < encoded.size();) {
      auto end = std::min(encoded.find("\r\n", at), encoded.size());
      CHECK(end - at <= 76);
      at = end + 2;
    }
    auto any = bytes.substr(0, 100);
    auto once = qp(any);
    CHECK(in_chunks(any, TransferEncoding::quoted_printable, random) == once);
  }
}

TEST_CASE("quoted-printable output leaves stores and senders nothing to touch") {
  CHECK(encode_quoted_printable("From a\n.\nx \ny") == "=46rom a\r\n=2E\r\nx=20\r\ny");
  CHECK(encode_quoted_printable("a\rb\r\nc") == "a\r\nb\r\nc");
}
