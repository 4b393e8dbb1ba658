#include "base/ascii.h"
#include "base/assert.h"
#include "base/utf8.h"
#include "provider/classify.h"
#include "provider/normalise.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

// Whatever a server says, it is classified, and what we count it by holds no address.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const auto& book = provider::Book::built_in();
  const auto& from = book.all()[data[0] % book.all().size()];
  provider::Response response{.stage = static_cast<smtp::Stage>(data[1] % 9),
                              .code = data[2] < 200 ? 400 + data[2] : 0,
                              .text = text,
                              .first_attempt = (data[3] & 1) != 0};
  auto verdict = provider::classify(book, from, response);
  TODOKE_ASSERT(!verdict.rule.empty());
  TODOKE_ASSERT(verdict == provider::classify(book, from, response));
  auto normalised = provider::normalise(text);
  TODOKE_ASSERT(normalised.size() <= provider::max_normalised_bytes && is_utf8(normalised));
  TODOKE_ASSERT(
      std::ranges::none_of(normalised, [](char c) { return ascii::is_control(c) || c == '@'; }));
  return 0;
}
