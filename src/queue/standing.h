#pragma once

#include "queue/hold.h"
#include "queue/journal.h"
#include "queue/queue.h"

#include <optional>
#include <string>

namespace todoke::queue {

// All that bears on why a recipient is where it is.
struct Situation {
  State state = State::waiting;
  LineKey line;
  std::string provider;  // as last looked up; may be empty
  int attempts = 0;
  Time due{};
  Time created_at{};
  Time useful_until{};
  bool is_firm = false;
  std::optional<Hold> hold;     // that keeps it back
  std::optional<Outcome> last;  // how the last attempt ended
  Time last_at{};
  std::optional<Queue::Standing> standing;  // nothing: no queue runs
};
// Nothing: there is no such recipient.
std::optional<Situation> read_situation(sql::Tx& tx, RecipientId id, Time now);

// One sentence in plain English: what is the matter, and what happens next.
std::string explain_situation(const Situation& situation, Time now);

}  // namespace todoke::queue
