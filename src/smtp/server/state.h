#pragma once

#include "smtp/syntax/command.h"

namespace todoke::smtp {

// How far a session has come; which commands have their place now depends on nothing else
// (mail-server rule R3).  Whether there is TLS and who signed in decide what an allowed command is
// answered, not whether it may come.
enum class State {
  connected,   // no EHLO yet, or STARTTLS has made all forgotten
  greeted,     // no transaction
  mail,        // MAIL was accepted
  recipients,  // and RCPT for one recipient at least
  message,     // DATA or BDAT has begun the message
  closing,     // no further command is read
};

// A session in these states has a transaction, in all others it has none.
constexpr bool has_transaction(State state) {
  return state == State::mail || state == State::recipients || state == State::message;
}

// Why a command cannot come in this state, in words for a 503; null if it can.  RFC 5321 §4.1.4,
// RFC 3030 §2, RFC 4954 §4.
const char* out_of_place(const Command& command, State state);

}  // namespace todoke::smtp
