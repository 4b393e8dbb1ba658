// Whatever a web server says, and in whatever pieces: the answer is the same, and bounded.
#include "base/assert.h"
#include "http/response_reader.h"

#include <cstdint>

using namespace todoke;

namespace {

constexpr std::size_t max_body = 1024;

std::string read(std::string_view bytes, std::size_t piece) {
  http::ResponseReader reader(max_body);
  std::string buffered;
  while (!reader.is_done() && !bytes.empty()) {
    auto next = bytes.substr(0, piece);
    bytes.remove_prefix(next.size());
    buffered += next;
    auto taken = reader.take(buffered);
    if (!taken) return "error";
    buffered.erase(0, *taken);
  }
  if (!reader.is_done()) return "incomplete";
  auto response = reader.response();
  TODOKE_ASSERT(response.body.size() <= max_body);
  return std::to_string(response.status) + response.content_type + "\n" + response.body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto whole = read(bytes, size + 1);
  auto slow = read(bytes, 7);
  // What is wrong behind the point where a response is complete is seen only in one piece.
  if (whole != "error" && slow != "error") TODOKE_ASSERT(whole == slow);
  return 0;
}
