#pragma once

#include "queue/hold.h"
#include "queue/journal.h"

// The age of waiting mail, looked at row by row and without regard to what the scheduler thinks of
// it, so that nothing can be forgotten (a fault other queues had).
namespace todoke::queue {

// Where a pass over the messages whose time has come goes on.
struct ExpiryCursor {
  Time useful_until{};
  std::int64_t message_id = 0;
};
struct ExpiryStep {
  int expired = 0;
  std::optional<ExpiryCursor> next;  // nothing: the pass is over
  Consequences consequences;
};
// Ends the recipients of up to `limit` messages that still wait after their time.  A message that
// is not firm lives longer by as long as its provider was held.
ExpiryStep expire_some(sql::Tx& tx, IdGenerator& ids, const Holds& holds, Time now,
                       ExpiryCursor from, int limit);

// When a recipient's time comes, as things stand.
Time ends_at(const Message& message, const Holds& holds, std::string_view provider, Time now);

// The event with which a recipient ends whose time has come: it carries the words of the last
// attempt, which are the cause.
Outcome expired_outcome(sql::Tx& tx, RecipientId id, std::string_view why);

// Notes for notices those who wait since before `before` and whose senders want to know of it.
// Messages created before `from` were looked at earlier.  How many there are.
int note_delays(sql::Tx& tx, Time from, Time before, Time now);

}  // namespace todoke::queue
