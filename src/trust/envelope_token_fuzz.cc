#include "base/ascii.h"
#include "trust/envelope_token.h"

#include <cstdint>

// Whatever is opened was made by us, and then says just that.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace todoke;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto token = trust::open_envelope_token("key", text);
  if (token && trust::make_envelope_token("key", *token) != ascii::to_lower(text)) __builtin_trap();
  return 0;
}
