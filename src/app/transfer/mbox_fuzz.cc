// The result does not depend on the pieces, and what is written from it reads back the same.
#include "app/transfer/line_ends.h"
#include "app/transfer/mbox.h"
#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <vector>

using namespace todoke;
using namespace todoke::transfer;

namespace {

struct Collect final : MboxReader::Sink {
  std::vector<std::string> messages;
  std::vector<Marks> marks;
  StatusFilter filter;
  ToCrlf ends;
  void take(std::string_view bytes) { ends.feed(bytes, messages.back()); }
  void begin(std::uint64_t, std::optional<Time>) override {
    messages.emplace_back();
    filter = {};
    ends = {};
  }
  void body(std::string_view bytes) override {
    std::string out;
    filter.feed(bytes, out);
    take(out);
  }
  void end() override {
    std::string out;
    filter.finish(out);
    take(out);
    marks.push_back(filter.marks());
  }
};

bool read(std::string_view file, std::size_t step, Collect& into) {
  MboxReader reader(into);
  for (std::size_t i = 0; i < file.size(); i += step)
    if (!reader.feed(file.substr(i, step))) return false;
  return reader.finish().has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view file(reinterpret_cast<const char*>(data), size);
  Collect whole, bytewise;
  bool good = read(file, size + 1, whole);
  TODOKE_ASSERT(read(file, 1, bytewise) == good);
  if (!good) return 0;
  TODOKE_ASSERT(whole.messages == bytewise.messages && whole.marks == bytewise.marks);
  std::string written;
  MboxWriter writer;
  for (std::size_t i = 0; i < whole.messages.size(); ++i) {
    writer.begin(whole.marks[i], written);
    writer.body(whole.messages[i], written);
    writer.end(written);
  }
  Collect back;
  TODOKE_ASSERT(read(written, 4096, back) && back.messages.size() == whole.messages.size());
  TODOKE_ASSERT(back.marks == whole.marks);
  return 0;
}
