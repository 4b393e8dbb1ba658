#include "trust/srs.h"

#include <cstdint>

// Nobody who has not the secret makes an address that is reversed; whatever is rewritten comes
// back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace todoke;
  // Two, as the fuzzer learns from the comparisons below what the second one's hashes are.
  static const trust::Srs srs("a secret that stands in no input", "ours.example");
  static const trust::Srs other("another secret", "ours.example");
  const auto now = from_micros(1'795'316'400'000'000);
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (srs.reverse(text, now)) __builtin_trap();
  (void)other.reverse(text, now);

  const auto at = text.rfind('@');
  if (at == std::string_view::npos) return 0;
  const trust::SrsAddress sender{std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
  const auto rewritten = other.rewrite(sender, now);
  if (!rewritten || *rewritten == sender) return 0;
  const auto back = other.reverse(rewritten->local, now);
  if (!back || (rewritten->local.starts_with("SRS0") && *back != sender)) __builtin_trap();
  return 0;
}
