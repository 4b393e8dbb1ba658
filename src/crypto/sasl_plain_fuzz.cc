#include "crypto/sasl.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view message(reinterpret_cast<const char*>(data), size);
  auto claim = todoke::crypto::parse_sasl_plain(message);
  if (claim && (claim->user_name.empty() || !message.ends_with(claim->password))) __builtin_trap();
  return 0;
}
