#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// From the charsets of mail to UTF-8.  Nothing here fails: bytes that mean nothing become U+FFFD,
// and a charset that is unknown, missing or contradicted by the bytes is replaced by what the bytes
// look like.  UTF-7 and other charsets that can hide ASCII are treated as unknown.
//
// Japanese charsets are read as the market writes them, not as the standards stop: ISO-2022-JP with
// half-width katakana and NEC and IBM characters (CP50220/50221), Shift_JIS as windows-31j, EUC-JP
// as eucJP-ms.
namespace todoke::mime {

// One charset's reader; see TextDecoder for the public face.
class CharsetReader {
 public:
  virtual ~CharsetReader() = default;
  virtual void feed(std::string_view bytes, std::string& out) = 0;
  virtual void finish(std::string& out) = 0;
};

// Converts text of any length with bounded memory.  Only ASCII passes before the charset is
// decided; the decision looks at the first 64 KiB that follow the first byte that is not ASCII. The
// result does not depend on how the text is cut into chunks.
class TextDecoder {
 public:
  // `charset`: as a message declares it, in any case; empty when it does not.
  explicit TextDecoder(std::string_view charset);
  ~TextDecoder();
  TextDecoder(TextDecoder&&) noexcept;
  TextDecoder& operator=(TextDecoder&&) noexcept;

  // Appends to `out`.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  void decide(std::string& out);

  std::string declared_;
  std::string window_;
  std::unique_ptr<CharsetReader> reader_;
};

// The whole text at once, or as much of it as gives `max_output` bytes, never cut within a
// character.
std::string to_utf8(std::string_view bytes, std::string_view charset = {},
                    std::size_t max_output = static_cast<std::size_t>(-1));

// Raw header bytes as UTF-8: unchanged when they are UTF-8 already, otherwise read as the charset
// they look like (senders put bare Shift_JIS and bare ISO-2022-JP escapes into headers).
std::string header_to_utf8(std::string_view raw);

// What undeclared bytes look like: "us-ascii", "utf-8", "iso-2022-jp", "shift_jis", "euc-jp" or,
// when they look like none of these, "windows-1252".
std::string_view detect_charset(std::string_view bytes);

// Whether `charset` is one that we convert from under this name.
bool is_known_charset(std::string_view charset);

}  // namespace todoke::mime
