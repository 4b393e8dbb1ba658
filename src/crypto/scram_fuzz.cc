#include "crypto/scram.h"

#include <cstdint>
#include <string_view>

// The input is a client-first and, after a NUL, a client-final message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace todoke::crypto;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto first = input.substr(0, input.find('\0'));
  input.remove_prefix(std::min(first.size() + 1, input.size()));
  auto mechanism =
      first.starts_with("p") ? ScramMechanism::scram_sha_256_plus : ScramMechanism::scram_sha_256;
  ScramServer server(mechanism, {{"tls-exporter", "data"}}, "server");
  auto claim = server.client_first(first);
  if (!claim) return 0;
  (void)server.server_first(fake_scram_keys("secret", claim->user_name));
  if (server.client_final(input)) __builtin_trap();  // nobody knows a password of these keys
  return 0;
}
