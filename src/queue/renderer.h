#pragma once

#include "base/result.h"
#include "base/task.h"
#include "queue/job.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::queue {

// One copy of a message as it goes out: signatures and other fields in front, then the text.
struct Copy {
  std::string head;                         // whole header fields with CRLF; may be empty
  std::shared_ptr<const std::string> text;  // shared by copies that are the same
  // Or, for a text too large for memory: read in pieces from the message's body, from `skip` on.
  std::uint64_t skip = 0;
  std::uint64_t size = 0;  // of all of it
};

// Writes the copies of messages that name it.  Above the queue: the contact network renders a
// notice for each of its members.  The same copy for the same recipient each time, its Message-ID
// above all: a receiver tells by it that it has the message already.
class Renderer {
 public:
  virtual ~Renderer() = default;
  // Errors: unavailable: not now; anything else: never, and the recipient has failed.
  [[nodiscard]] virtual Task<Result<Copy>> render(std::shared_ptr<const Message> message,
                                                  RecipientId recipient) = 0;
};

}  // namespace todoke::queue
