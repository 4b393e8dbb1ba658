#include "base/assert.h"
#include "base/utf8.h"
#include "queue/returns/return_parser.h"

#include <cstdint>

using namespace todoke;

// Whatever comes back, the result is bounded and valid UTF-8.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  for (std::string_view reverse_path : {"", "taro@example.com"}) {
    auto result = queue::parse_return(message, reverse_path);
    TODOKE_ASSERT(result.recipients.size() <= queue::max_returned_recipients);
    TODOKE_ASSERT((result.kind == queue::ReturnKind::none) == result.format.empty());
    bool about_somebody = result.kind == queue::ReturnKind::failure ||
                          result.kind == queue::ReturnKind::delay ||
                          result.kind == queue::ReturnKind::success;
    TODOKE_ASSERT(!about_somebody || !result.recipients.empty());
    for (const auto& recipient : result.recipients) {
      TODOKE_ASSERT(recipient.diagnostic.size() <= queue::max_diagnostic);
      TODOKE_ASSERT(is_utf8(recipient.diagnostic) && is_utf8(recipient.address));
      TODOKE_ASSERT(is_utf8(recipient.remote_mta) && is_utf8(recipient.original_address));
    }
    TODOKE_ASSERT(is_utf8(result.original_message_id) && is_utf8(result.original_envelope_id));
  }
  return 0;
}
