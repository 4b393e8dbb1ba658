#pragma once

#include "mime/charset.h"
#include "mime/structure.h"
#include "mime/transfer.h"

#include <cstddef>
#include <string>
#include <string_view>

// From the bytes of a text part to text.
namespace todoke::mime {

// Streams the body of a part, as it stands in the message, to UTF-8 with bounded memory: transfer
// encoding, then charset.  Never fails.
class PartTextDecoder {
 public:
  explicit PartTextDecoder(const Part& part);
  // Appends to `out`.
  void feed(std::string_view bytes, std::string& out);
  void finish(std::string& out);

 private:
  TransferDecoder transfer_;
  TextDecoder text_;
  std::string decoded_;
};

// The text of a part, or as much of it as gives `max_output` bytes; `body` is
// [body_begin, body_end) of the message, or its beginning.
std::string decoded_text(const Part& part, std::string_view body,
                         std::size_t max_output = static_cast<std::size_t>(-1));

// The bytes of a part, transfer encoding undone.
std::string decoded_bytes(const Part& part, std::string_view body);

}  // namespace todoke::mime
