#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "smtp/syntax/command.h"
#include "smtp/syntax/reply.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

// Notices that we send to the senders of mail (RFC 3464): polite and short for people, in Japanese
// and English, and exact for programs.
namespace todoke::queue {

// Which of the two languages stands first.
enum class Language { japanese, english };

// Why, in words that a sender can do something with.
enum class DsnReason {
  by_status,           // choose from the recipient's status
  no_mailbox,          // no such address
  no_domain,           // no such domain, or one that takes no mail
  mailbox_full,        //
  inactive,            // disabled or abandoned
  recipient_settings,  // the recipient's own filter, such as a carrier's domain list
  refused,             // the other server's policy, or something wrong at our side
  content,             // this mail's content or form
  too_large,           //
  unreachable,         // the other server did not answer until we gave up
  in_doubt,            // the connection broke behind the final dot: it may have arrived
  unknown
};
// What a status stands for (RFC 3463 §3); never by_status or in_doubt.
DsnReason reason_of(smtp::EnhancedCode status);

struct DsnRecipient {
  enum class Action { failed, delayed, delivered, relayed };  // RFC 3464 §2.3.3

  std::string address;  // as we tried it
  std::optional<smtp::OriginalRecipient> original;
  Action action = Action::failed;
  smtp::EnhancedCode status{5, 0, 0};
  DsnReason reason = DsnReason::by_status;
  std::string diagnostic;  // the reply of the other server, or what happened: any bytes
  std::string remote_mta;  // host name, may be empty
  Time last_attempt{};
  std::optional<Time> will_retry_until;  // of delayed
};

struct DsnRequest {
  std::string reporting_mta;  // host name
  std::string from_address;   // MAILER-DAEMON@host
  std::string to;             // the reverse-path, never null
  std::string envid;          // of MAIL, decoded; may be empty
  std::string message_id;     // of the notice, without angle brackets
  Time arrival{};             // of the original
  Time now{};
  int zone_minutes = 540;  // of the times that people read
  Language first = Language::japanese;
  std::vector<DsnRecipient> recipients;  // at least one
  std::string original_header;           // block of fields
  // The whole mail, when RET=FULL asks for it (RFC 3461 §4.3).  Returned only if it is at most
  // max_returned_message bytes and passes as 7bit; else the header is.
  std::optional<std::string> original_message;
};

constexpr std::size_t max_returned_message = 50 * 1024;
constexpr std::size_t max_returned_header = 16 * 1024;
// The words list so many recipients; the fields list them all.
constexpr std::size_t max_recipients_in_words = 50;

// The whole message with CRLF line ends, 7-bit unless the addresses of its own header are not.  It
// is to be sent with the null reverse-path.  `invalid` for addresses or a message_id that no header
// can hold, and when there is no recipient; never because of what other servers said.
Result<std::string> compose_dsn(const DsnRequest& request);

}  // namespace todoke::queue
