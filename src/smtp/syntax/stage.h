#pragma once

#include <string_view>

namespace todoke::smtp {

// How far an attempt to hand a message to another server came.  Stored in attempt events, so the
// numbers stay; the order is that of the conversation.
enum class Stage {
  dns = 0,          // looking for the server
  connect = 1,      // TCP, and the greeting
  ehlo = 2,         // EHLO, HELO or LHLO
  starttls = 3,     // STARTTLS and the handshake
  auth = 4,         // at a smarthost
  mail = 5,         // MAIL
  rcpt = 6,         // RCPT
  data = 7,         // DATA, up to its 354
  end_of_data = 8,  // the text and the final dot
};

// How an attempt ended that got no reply which decides it.  Stored as Stage is.
enum class Breakdown {
  none = 0,         // there was a reply
  refused = 1,      // connection refused
  reset = 2,        // connection reset: at some Japanese carriers the sign of overload
  timed_out = 3,    // no answer in time
  closed = 4,       // ended in order, but without a reply
  unreachable = 5,  // no route, no address of this family
  tls = 6,          // the handshake failed, or the certificate does not do
  garbage = 7,      // what came was no SMTP, or endless
  dns = 8,          // names could not be resolved now
};

// "end of data"; for logs and people who know SMTP.
std::string_view to_text(Stage stage);
// "connection reset"; the same.
std::string_view to_text(Breakdown breakdown);

}  // namespace todoke::smtp
