#pragma once

#include "base/clock.h"
#include "provider/reply_class.h"
#include "smtp/syntax/reply.h"
#include "smtp/syntax/stage.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// The evidence of outbound mail: what happened to each recipient, in events that are added and
// never changed, and the state that follows from them (architecture rule 6).
namespace todoke::queue {

// One recipient of one message.
struct RecipientId {
  std::int64_t message = 0;
  int number = 0;  // from 1

  friend auto operator<=>(const RecipientId&, const RecipientId&) = default;
};

// Stored; the numbers stay.
enum class EventKind {
  begun = 1,           // an attempt: from here on the receiver may have the message
  delivered = 2,       // the receiver answered for it with a positive reply to the final dot
  deferred = 3,        // the attempt ended without; another follows
  failed = 4,          // the attempt ended without, and none follows
  in_doubt = 5,        // begun, and we stopped before its end was written down
  expired = 6,         // useful_until came
  cancelled = 7,       // by somebody of ours; `text` says who
  returned = 8,        // after `delivered`: a notice from the receiver that it failed (RFC 3464)
  complained = 9,      // the receiver's owner called it spam (RFC 5965)
  answered = 10,       // an automatic answer came back: proof of life, nothing else
  retried = 11,        // somebody of ours set an ended or doubtful recipient waiting again
  returned_late = 12,  // a notice that it takes longer (Action: delayed); changes nothing
  untouched = 13,      // begun, but the receiver was never told of it: the attempt did not count
};

// Stored; the numbers stay.
enum class State {
  waiting = 0,
  sending = 1,    // in flight
  delivered = 2,  // accepted by the receiving server
  failed = 3,
  expired = 4,
  cancelled = 5,
  in_doubt = 6,  // it may have arrived; we send no more of our own accord
  returned = 7,  // accepted, then sent back
};

// Whether nothing more happens of our own accord.
constexpr bool is_final(State state) {
  return state != State::waiting && state != State::sending;
}

// The state after an event.  What makes no sense in a state leaves it as it is: events may come
// late and twice.
State next_state(State before, EventKind kind);
// The state of a recipient with these events, in their order.
State state_of(std::span<const EventKind> events);

// For people: "waiting", "in doubt" …
std::string_view to_text(State state);
std::string_view to_text(EventKind kind);
std::optional<State> parse_state(std::string_view text);

// How an attempt ended, for one recipient.
struct Outcome {
  EventKind kind = EventKind::deferred;
  smtp::Stage stage = smtp::Stage::dns;
  smtp::Breakdown breakdown = smtp::Breakdown::none;
  int code = 0;  // of the reply; 0: none came
  std::optional<smtp::EnhancedCode> enhanced;
  std::string text;                                 // their words, or ours; any bytes
  std::optional<provider::ReplyClass> reply_class;  // unless delivered
  std::string rule;                                 // which rule classed it
  std::chrono::microseconds latency{0};
  std::string dialogue;     // kept unless delivered
  bool peer_tells = false;  // delivered: the receiver itself sends what notices were asked for
};

}  // namespace todoke::queue
