#pragma once

#include "base/ids.h"
#include "queue/backlog.h"
#include "queue/event.h"
#include "queue/job.h"
#include "sql/tx.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

// The queue's rows: what waits, what is in flight, what happened.  All of it inside the caller's
// transaction.  States change only here, and only together with an event.
namespace todoke::queue {

// One conversation with a server, or one that did not come about.
struct ConnectionRecord {
  std::int64_t id = 0;
  Time begun_at{};
  std::string provider;
  std::string host;     // its name; empty before there was one
  std::string address;  // its IP address
  std::string source;   // ours
  std::string tls;      // "TLSv1.3 dane"; empty in the clear
};

// ---- Reading what waits

struct WaitingLine {
  LineKey key;
  Time due;  // of its first recipient
};
// All lines in which anybody waits, those due first; at most `limit`.
std::vector<WaitingLine> read_waiting(sql::Tx& tx, int limit);
// When the first of a line that is not `taken` is due; nothing: none waits.
std::optional<Time> read_due(sql::Tx& tx, const LineKey& line, const std::set<RecipientId>& taken);
// Up to `limit` recipients of a line that are due and not `taken`, in their order.
std::vector<Job> read_jobs(sql::Tx& tx, const LineKey& line, Time now, int limit,
                           const std::set<RecipientId>& taken);
// Nothing: there is no such message, or it is over and its text is gone.
std::shared_ptr<const Message> read_message(sql::Tx& tx, std::int64_t id);

// What a recipient's present state is due to, or what was said last while it waits.
struct LastEvent {
  Outcome outcome;  // without its dialogue
  Time at{};
  std::string host;  // that was spoken to; may be empty
};
// Nothing: nothing was tried yet.
std::optional<LastEvent> read_last_event(sql::Tx& tx, RecipientId id);

// ORCPT as it is stored: "rfc822;address".
std::optional<smtp::OriginalRecipient> parse_orcpt(std::string_view text);

// ---- Writing what happens

void insert_connection(sql::Tx& tx, const ConnectionRecord& connection);

// Writes that an attempt begins.  Answers whether it may: false when the recipient no longer waits.
bool begin_attempt(sql::Tx& tx, RecipientId id, std::int64_t event_id, std::int64_t connection_id,
                   Time now);

// An attempt that is over.
struct Ended {
  RecipientId id;
  Outcome outcome;
  std::int64_t event_id = 0;
  std::int64_t connection_id = 0;  // 0: none came about
  Time at{};
  Time due{};  // of the next one, when it was deferred
};

// What follows from writing events.
struct Consequences {
  std::vector<blob::Location> bodies;  // that nobody refers to any more
  bool notices = false;                // there are notices to write
};

// Writes how attempts ended; messages whose last recipient came to an end give up their text,
// unless a notice needs it.
Consequences record(sql::Tx& tx, std::span<const Ended> ended, std::string_view provider);

// An event that comes from elsewhere: a returned notice, a command.  `outcome.kind` decides.
// False: there is no such recipient.
bool record_event(sql::Tx& tx, RecipientId id, const Outcome& outcome, std::int64_t event_id,
                  Time now, Consequences& consequences);

// At start: whoever was in flight is in doubt.  How many there are.
int doubt_in_flight(sql::Tx& tx, IdGenerator& ids, Time now, Consequences& consequences);

// The text of a message is needed no longer, now that its notices are out.
std::optional<blob::Location> drop_text_if_over(sql::Tx& tx, std::int64_t message_id);

}  // namespace todoke::queue
