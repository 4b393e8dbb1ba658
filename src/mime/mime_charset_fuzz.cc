#include "base/assert.h"
#include "base/utf8.h"
#include "mime/charset.h"
#include "mime/transfer.h"

#include <cstdint>
#include <iterator>

using namespace todoke;
using namespace todoke::mime;

// The first byte names the charset, the second the size of the chunks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view charsets[] = {"",       "utf-8",        "iso-2022-jp", "shift_jis",
                                           "euc-jp", "gb18030",      "big5",        "big5-hkscs",
                                           "euc-kr", "iso-2022-kr",  "utf-16",      "utf-32",
                                           "koi8-r", "windows-1252", "us-ascii"};
  if (size < 2) return 0;
  auto charset = charsets[data[0] % std::size(charsets)];
  std::size_t step = data[1] + 1U;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  auto whole = to_utf8(bytes, charset);
  TODOKE_ASSERT(is_utf8(whole));
  std::string chunked;
  TextDecoder decoder(charset);
  for (std::size_t at = 0; at < bytes.size(); at += step)
    decoder.feed(bytes.substr(at, step), chunked);
  decoder.finish(chunked);
  TODOKE_ASSERT(chunked == whole);
  for (auto encoding : {TransferEncoding::base64, TransferEncoding::quoted_printable}) {
    std::string pieces;
    TransferDecoder transfer(encoding);
    for (std::size_t at = 0; at < bytes.size(); at += step)
      transfer.feed(bytes.substr(at, step), pieces);
    transfer.finish(pieces);
    TODOKE_ASSERT(pieces == decode_transfer(bytes, encoding));
  }
  TODOKE_ASSERT(decode_transfer(encode_base64_lines(bytes), TransferEncoding::base64) == bytes);
  return 0;
}
