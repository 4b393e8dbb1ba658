#include "base/assert.h"
#include "base/utf8.h"
#include "mime/date.h"
#include "mime/header.h"
#include "mime/parameter.h"

#include <cstdint>

using namespace todoke;
using namespace todoke::mime;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view block(reinterpret_cast<const char*>(data), size);
  for (const auto& field : split_header(block)) {
    TODOKE_ASSERT(field.begin < field.end && field.end <= block.size());
    TODOKE_ASSERT(is_utf8(header_text(field.raw_value)));
    for (const auto& p : parse_parameter_field(field.raw_value).parameters.decoded)
      TODOKE_ASSERT(is_utf8(p.value) && p.value.find('\n') == std::string::npos);
    auto date = parse_date(field.raw_value);
    if (date) TODOKE_ASSERT(parse_date(format_date(*date)));
  }
  return 0;
}
