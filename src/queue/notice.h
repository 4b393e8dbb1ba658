#pragma once

#include "queue/event.h"
#include "smtp/syntax/command.h"

#include <optional>

namespace todoke::queue {

// What a sender may be told of a recipient.  Stored; the numbers stay.  RFC 3464 §2.3.3.
enum class Notice {
  failed = 1,
  delayed = 2,
  relayed = 3,   // on request: handed to a server that does not tell of delivery itself
  in_doubt = 4,  // it may have arrived; told as "delayed", in words of its own
};

// Which notice an event calls for, by what the sender asked for (RFC 3461 §4.1; without a word,
// failure and delay).  `state` is that after the event.
std::optional<Notice> notice_for(EventKind kind, const std::optional<smtp::Notify>& notify,
                                 bool peer_has_dsn);

// NOTIFY as it is stored: bits as RFC 3461 §4.1 lists them; 0 when the sender said nothing, 8 for
// NEVER.
int notify_number(const std::optional<smtp::Notify>& notify);
std::optional<smtp::Notify> parse_notify_number(int number);

}  // namespace todoke::queue
