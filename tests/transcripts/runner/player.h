#pragma once

#include "base/result.h"
#include "base/task.h"
#include "net/memory_stream.h"
#include "transcripts/runner/transcript.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace todoke::transcripts {

// What a protocol brings to its transcripts: a world that `given` lines make, and its sessions.
class Fixture {
 public:
  virtual ~Fixture() = default;
  virtual Result<> given(const std::vector<std::string>& words,
                         const std::vector<std::string>& block) = 0;
  // What a `then` line looks at, as lines of text.  Errc::not_found: nothing of that name.
  virtual Result<std::vector<std::string>> look(const std::vector<std::string>&) {
    return fail(Errc::not_found, "this fixture shows nothing");
  }
  // Sets the peer, pretends TLS and so on, before a session begins.
  virtual void prepare(net::MemoryStream& io) = 0;
  // One connection to its end.  Each runs on a thread of its own.
  [[nodiscard]] virtual Task<> serve(net::Stream& io) = 0;  // NOLINT: outlives the session
};
using MakeFixture = std::function<std::unique_ptr<Fixture>()>;

// Plays a transcript twice, each time in a new world: with input in large pieces and byte by byte.
// Empty if all was as written, else what was not.
std::string play(const Transcript& transcript, const MakeFixture& make);

// Plays every *.txt below `folder`, and demands of each that it cites an RFC.  For main(): prints
// what failed and a summary, answers the exit code.
int play_all(const std::string& folder, const MakeFixture& make);

}  // namespace todoke::transcripts
