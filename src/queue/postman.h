#pragma once

#include "base/result.h"
#include "base/task.h"

#include <string>

namespace todoke::queue {

// Takes notices of ours to the senders of mail, here or elsewhere; above the queue, as mail has one
// door.
class Postman {
 public:
  virtual ~Postman() = default;
  // `text` is a whole message, to be sent with the null reverse-path.  unavailable: not now.
  // Anything else: never.
  [[nodiscard]] virtual Task<Result<>> post(std::string to, std::string text) = 0;
};

}  // namespace todoke::queue
