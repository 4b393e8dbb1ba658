#include "queue/event.h"

#include <array>

namespace todoke::queue {
namespace {

constexpr std::array state_names{"waiting", "sending",   "delivered", "failed",
                                 "expired", "cancelled", "in doubt",  "returned"};
constexpr std::array kind_names{"",
                                "attempt begun",
                                "delivered",
                                "deferred",
                                "failed",
                                "in doubt",
                                "expired",
                                "cancelled",
                                "returned",
                                "complaint",
                                "automatic answer",
                                "set waiting again",
                                "delayed at the receiver",
                                "not sent"};

bool may_have_arrived(State state) {
  return state == State::delivered || state == State::in_doubt || state == State::sending;
}

}  // namespace

State next_state(State before, EventKind kind) {
  switch (kind) {
    case EventKind::begun:
      return before == State::waiting ? State::sending : before;
    case EventKind::delivered:
      // A receipt may settle what was in doubt, or what was given up meanwhile.
      return before == State::returned ? before : State::delivered;
    case EventKind::deferred:
    case EventKind::untouched:
      return before == State::sending ? State::waiting : before;
    case EventKind::failed:
      return before == State::sending || before == State::waiting ? State::failed : before;
    case EventKind::in_doubt:
      return before == State::sending ? State::in_doubt : before;
    case EventKind::expired:
      return before == State::waiting ? State::expired : before;
    case EventKind::cancelled:
      return before == State::waiting || before == State::in_doubt ? State::cancelled : before;
    case EventKind::returned:
      return may_have_arrived(before) ? State::returned : before;
    case EventKind::retried:
      return is_final(before) && before != State::delivered ? State::waiting : before;
    case EventKind::complained:
    case EventKind::answered:
      return before == State::in_doubt ? State::delivered : before;  // it did arrive
    case EventKind::returned_late:
      return before;
  }
  return before;
}

State state_of(std::span<const EventKind> events) {
  auto state = State::waiting;
  for (auto kind : events) state = next_state(state, kind);
  return state;
}

std::string_view to_text(State state) {
  return state_names.at(static_cast<std::size_t>(state));
}

std::string_view to_text(EventKind kind) {
  return kind_names.at(static_cast<std::size_t>(kind));
}

std::optional<State> parse_state(std::string_view text) {
  for (std::size_t i = 0; i < state_names.size(); ++i)
    if (text == state_names[i] ||
        (text == "in-doubt" && state_names[i] == std::string_view("in doubt")))
      return static_cast<State>(i);
  return {};
}

}  // namespace todoke::queue
