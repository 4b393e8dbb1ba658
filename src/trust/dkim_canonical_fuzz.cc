#include "trust/dkim_canonical.h"

#include <cstdint>

// The first byte chooses the form and where the body is cut: any pieces must give the same bytes,
// and what is canonical must stay as it is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace todoke::trust;
  if (size == 0) return 0;
  const auto kind = (data[0] & 1) != 0 ? Canonicalization::relaxed : Canonicalization::simple;
  const std::size_t step = 1 + (data[0] >> 1);
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);

  auto canonical = [kind](std::string_view body, std::size_t piece) {
    std::string out;
    auto collect = [&](std::string_view bytes) { out += bytes; };
    BodyCanonicalizer canonicalizer(kind);
    for (; body.size() > piece; body.remove_prefix(piece))
      canonicalizer.update(body.substr(0, piece), collect);
    canonicalizer.update(body, collect);
    canonicalizer.finish(collect);
    return out;
  };
  const auto whole = canonical(text, text.size());
  if (canonical(text, step) != whole || canonical(whole, step) != whole) __builtin_trap();

  std::string field, again;
  append_canonical_field(field, kind, "Name", text);
  append_canonical_field(again, kind, "Name", std::string_view(field).substr(5));
  if (kind == Canonicalization::relaxed) again[0] = 'n';
  if (field != again) __builtin_trap();
  return 0;
}
