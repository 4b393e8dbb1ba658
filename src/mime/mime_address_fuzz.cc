#include "base/assert.h"
#include "base/utf8.h"
#include "mime/address.h"
#include "mime/envelope.h"
#include "mime/header_writer.h"

#include <cstdint>

using namespace todoke;
using namespace todoke::mime;

// Whatever we can parse and agree to write is read back the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view value(reinterpret_cast<const char*>(data), size);
  auto list = parse_addresses(value).addresses;
  for (auto& address : list) {
    TODOKE_ASSERT(is_utf8(address.name) && is_utf8(address.local) && is_utf8(address.domain));
    address.route.clear();
    address.name = valid_utf8(display_name(address));
  }
  HeaderWriter header(HeaderWriter::AddressCharset::utf8);
  if (!header.addresses("To", list)) return 0;
  auto again = parse_envelope(header.block()).to;
  TODOKE_ASSERT(again.size() == list.size());
  for (std::size_t i = 0; i < list.size(); ++i)
    TODOKE_ASSERT(again[i].local == list[i].local && again[i].domain == list[i].domain);
  return 0;
}
