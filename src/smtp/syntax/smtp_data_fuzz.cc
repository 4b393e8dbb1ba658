#include "base/assert.h"
#include "base/dot_stuffing.h"
#include "smtp/syntax/data.h"

#include <cstdint>

using namespace todoke;

// The first bytes say how to cut the rest into pieces; decoded in pieces it must be what it is at
// once, and encoding what was decoded gives it back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto cuts = input.substr(0, 8);
  input.remove_prefix(cuts.size());

  smtp::DataReader at_once, in_pieces;
  std::string expected, text;
  auto consumed = at_once.read(input, expected);
  std::size_t used = 0;
  for (std::size_t i = 0; used < input.size() && !in_pieces.ended(); ++i) {
    auto length = static_cast<unsigned char>(cuts[i % cuts.size()]) % 16 + 1;
    used += in_pieces.read(input.substr(used, length), text);
  }
  TODOKE_ASSERT(text == expected && used == consumed && in_pieces.size() == text.size());
  TODOKE_ASSERT(in_pieces.ended() == at_once.ended() && in_pieces.faults() == at_once.faults());
  if (at_once.ended()) TODOKE_ASSERT(input.substr(0, consumed).ends_with(".\r\n"));

  smtp::DataReader again, strict;
  std::string back;
  auto wire = dot_stuff(text, DotStuffer::BareLineEnds::keep);
  TODOKE_ASSERT(again.read(wire, back) == wire.size() && again.ended());
  TODOKE_ASSERT(back == text || back == text + "\r\n");
  auto clean = dot_stuff(text, DotStuffer::BareLineEnds::to_crlf);
  TODOKE_ASSERT(strict.read(clean, back) == clean.size() && strict.ended());
  TODOKE_ASSERT(!strict.faults().bare_cr && !strict.faults().bare_lf);
  return 0;
}
