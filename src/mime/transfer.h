#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// Content-Transfer-Encoding (RFC 2045 §6): tolerant streaming decoders and strict encoders.
namespace todoke::mime {

enum class TransferEncoding {
  identity,  // 7bit, 8bit, binary, nothing, or anything we do not know
  quoted_printable,
  base64
};
// From the field's value, in any case, with or without a comment behind it.
TransferEncoding transfer_encoding(std::string_view field_value);
// Whether it is one of RFC 2045's, or none is named.
bool is_known_encoding(std::string_view field_value);

// Decodes a body given in chunks of any size; memory is constant.  Base64: bytes outside the
// alphabet are skipped, and text after padding begins anew.  Quoted-printable (RFC 2045 §6.7):
// white space at the end of a line is dropped, a `=` that begins nothing stays itself.
class TransferDecoder {
 public:
  explicit TransferDecoder(TransferEncoding encoding) : encoding_(encoding) {}
  // Appends to `out`.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  void base64(std::string_view bytes, std::string& out);
  void flush_base64(std::string& out);
  void quoted_printable(char c, std::string& out);

  TransferEncoding encoding_;
  std::uint32_t bits_ = 0;
  int sextets_ = 0;
  std::string pending_;  // white space that may end a line, or an unfinished `=` sequence
};

std::string decode_transfer(std::string_view bytes, TransferEncoding encoding);

// RFC 2045 §6.8: lines of 76 characters, CRLF after each, the last included.
std::string encode_base64_lines(std::string_view bytes);

// RFC 2045 §6.7 for text: CRLF, a bare LF and a bare CR are line breaks and come out as CRLF; lines
// are at most 76 characters.  "From " and a lone dot at the start of a line are encoded too, so
// that no mail store and no SMTP sender needs to touch them.
std::string encode_quoted_printable(std::string_view text);

}  // namespace todoke::mime
