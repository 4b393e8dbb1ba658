#pragma once

#include "smtp/syntax/reply.h"
#include "smtp/syntax/stage.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Mail that comes back: notices of other servers about mail of ours, in the standard form and in
// the forms that servers had before or beside it.
namespace todoke::queue {

// What a message that was sent to one of our envelope senders is.
enum class ReturnKind {
  none,       // an ordinary mail
  failure,    // at least one recipient will not be reached
  delay,      // nobody failed; somebody waits (never a bounce)
  success,    // delivered, relayed or expanded
  complaint,  // the recipient called it spam (RFC 5965)
  automatic   // vacation replies, challenges, receipts: a program answered, nothing was refused
};
std::string_view to_text(ReturnKind kind);

// What a notice says of one recipient.  Texts are valid UTF-8 without control characters, at most
// max_diagnostic bytes; what the notice does not say is empty.
struct ReturnedRecipient {
  // The last that was tried: behind a forward not the one we used.  Empty when the notice names
  // nobody; then only the envelope tells whom it is about.
  std::string address;
  std::string original_address;  // the one we used, when the notice tells it apart
  // RFC 3464 §2.3.3, lower case, also when the form has no such field; of a receipt its disposition
  // (RFC 8098 §3.2.6).
  std::string action;
  std::optional<smtp::EnhancedCode> status;
  std::optional<int> smtp_code;
  // Where in the conversation the other server refused.  Carriers mean different things by the
  // same words at RCPT and after DATA.
  std::optional<smtp::Stage> stage;
  std::string diagnostic;  // the words of the server, without "smtp;"
  std::string remote_mta;
};

// What the notice returns of our mail's header: enough to find the mail again.
struct ReturnedOriginal {
  std::string reverse_path;  // of a Return-Path field
  std::string from;          // these as written, unfolded
  std::string to;
  std::string message_id;  // without angle brackets
  // Names begin with "X-", or are List-Id or Feedback-ID; at most max_extension_fields.
  std::vector<std::pair<std::string, std::string>> extensions;
};

struct Return {
  ReturnKind kind = ReturnKind::none;
  // The form: rfc3464, rfc3464-text (its fields, but not its media types), qmail, exim, postfix,
  // sendmail, courier, exchange, domino, notes, gmail, ezweb, kddi, biglobe, m-filter, yahoo,
  // x-failed-recipients, text (of no known form), arf, mdn, rfc3834 (an automatic reply by its
  // header), vacation (by its subject), challenge, auto-generated.
  std::string format;
  // Of a failure, a delay or a success at least one.
  std::vector<ReturnedRecipient> recipients;
  std::string original_envelope_id;
  std::string original_message_id;  // without angle brackets
  std::string original_reverse_path;
  std::string reporting_mta;
  std::string feedback_type;  // RFC 5965 §3.1, lower case
  std::optional<ReturnedOriginal> original;
  // The form itself says that the recipient's own settings refused the mail, whatever the words.
  bool filtered_hint = false;
};

constexpr std::size_t max_return = 1 << 20;  // bytes of a message that are looked at
constexpr std::size_t max_returned_recipients = 1'000;
constexpr std::size_t max_diagnostic = 2'000;
constexpr std::size_t max_extension_fields = 50;

// `reverse_path` is the envelope's, without brackets; empty when it is null.  Never fails.  Nothing
// in the result is proven: anybody can write a notice, so act on it only after its envelope
// recipient was verified as one that we made for this mail.
Return parse_return(std::string_view message, std::string_view reverse_path);

}  // namespace todoke::queue
