#include "queue/event.h"

#include "queue/notice.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::queue;

TEST_CASE("a state follows from the events, in their order") {
  using enum EventKind;
  struct Case {
    std::vector<EventKind> events;
    State state;
  };
  for (const auto& [events, state] : std::vector<Case>{
           {{}, State::waiting},
           {{begun}, State::sending},
           {{begun, delivered}, State::delivered},
           {{begun, deferred, begun, delivered}, State::delivered},
           {{deferred, deferred, expired}, State::expired},
           {{begun, failed}, State::failed},
           {{failed}, State::failed},  // no server: nothing ever began
           {{begun, untouched}, State::waiting},
           {{begun, in_doubt}, State::in_doubt},
           {{begun, in_doubt, expired}, State::in_doubt},
           {{begun, in_doubt, answered}, State::delivered},
           {{begun, in_doubt, returned}, State::returned},
           {{begun, in_doubt, retried}, State::waiting},
           {{begun, delivered, returned}, State::returned},
           {{begun, delivered, returned, delivered}, State::returned},
           {{begun, delivered, retried}, State::delivered},  // nobody gets it twice
           {{begun, delivered, complained}, State::delivered},
           {{begun, delivered, returned_late}, State::delivered},
           {{begun, cancelled}, State::sending},  // too late to stop it
           {{cancelled, begun}, State::cancelled},
           {{expired, retried}, State::waiting},
       }) {
    CAPTURE(to_text(state));
    CHECK(state_of(events) == state);
  }
}

TEST_CASE("states have names that can be read back") {
  for (int i = 0; i <= static_cast<int>(State::returned); ++i)
    CHECK(parse_state(to_text(static_cast<State>(i))) == static_cast<State>(i));
  CHECK(parse_state("in-doubt") == State::in_doubt);
  CHECK_FALSE(parse_state("lost"));
}

TEST_CASE("senders are told what they asked for") {
  using enum EventKind;
  const smtp::Notify never{};
  const smtp::Notify success{.success = true};
  CHECK(notice_for(failed, {}, false) == Notice::failed);
  CHECK(notice_for(expired, {}, false) == Notice::failed);
  CHECK(notice_for(in_doubt, {}, false) == Notice::in_doubt);
  CHECK_FALSE(notice_for(delivered, {}, false));
  CHECK_FALSE(notice_for(failed, never, false));
  CHECK_FALSE(notice_for(failed, success, false));
  CHECK(notice_for(delivered, success, false) == Notice::relayed);
  CHECK_FALSE(notice_for(delivered, success, true));  // the next server sees to it
  CHECK_FALSE(notice_for(cancelled, {}, false));
  for (const auto& notify : {std::optional<smtp::Notify>(), std::optional(never),
                             std::optional(success), std::optional(smtp::Notify{true, true, true})})
    CHECK(parse_notify_number(notify_number(notify)) == notify);
}
