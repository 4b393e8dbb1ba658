#include "base/assert.h"
#include "smtp/syntax/reply.h"

#include <algorithm>
#include <cstdint>

using namespace todoke;

// Whatever a server sends, what we render of it is well formed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  smtp::ReplyParser parser;
  while (!input.empty()) {
    auto line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    auto complete = parser.add(line);
    if (!complete) return 0;
    if (!*complete) continue;
    auto reply = parser.take();
    auto text = smtp::render(reply);
    TODOKE_ASSERT(std::ranges::count(text, '\n') == std::ranges::count(text, '\r'));
    TODOKE_ASSERT(std::size_t(std::ranges::count(text, '\n')) == reply.lines.size());
    smtp::ReplyParser again;
    bool done = false;
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
      auto one = rest.substr(0, rest.find("\r\n"));
      TODOKE_ASSERT(!done && one.size() <= 510);
      done = again.add(one).value();
    }
    TODOKE_ASSERT(done && again.take().code == reply.code);
  }
  return 0;
}
