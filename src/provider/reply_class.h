#pragma once

#include <optional>
#include <string_view>

namespace todoke::provider {

// What a failure to deliver means, told apart only as far as somebody acts differently: each class
// has one party who must act.  Stored in attempt events, so the numbers stay.
enum class ReplyClass {
  gone = 1,         // there is no such mailbox, or no such domain
  inactive = 2,     // the mailbox exists and is disabled or long unused
  full = 3,         // over quota, or this one recipient gets mail too fast
  filtered = 4,     // refused by the recipient's own settings, such as those of a phone
  throttled = 5,    // too much at once for the provider; greylisting as well
  blocked = 6,      // the provider refuses us: reputation, block lists
  auth = 7,         // our configuration: SPF, DKIM, DMARC, reverse DNS, TLS, relaying
  content = 8,      // this message: size, form, words
  unreachable = 9,  // network, overload, faults of the server
  expired = 10,     // waited too long; the cause is that of the last attempt
  complaint = 11,   // the recipient called it unwanted
  automatic = 12,   // an automatic answer, no failure at all
  unknown = 13,     // no rule knows it yet
};

// The name as it stands in data files and logs: "gone", "inactive" …
std::string_view to_text(ReplyClass reply_class);
std::optional<ReplyClass> parse_reply_class(std::string_view text);

// Who must act so that the next message arrives.
enum class Party {
  nobody,
  administrator,  // of the group: asks the member for another address
  member,         // changes settings of the phone or mailbox
  author,         // writes the notice otherwise
  operators,      // of this installation: DNS, keys, talks with the provider
  system,         // Todoke itself, by waiting and slowing down
};

struct ClassFacts {
  Party who_acts;
  // Something is wrong between the provider and us, not with this recipient or message: feeds the
  // pace and the state of the provider.
  bool blames_provider;
  // The recipient waits with all others of the provider or of the sending domain, instead of
  // failing alone.
  bool holds;
  // What one such failure weighs against the address, 0 to 1; a permanent `gone` is 1.
  double strike;
};
const ClassFacts& facts_of(ReplyClass reply_class);

// Whether the same message is tried again for this recipient.  `permanent_reply` is whether the
// server itself said so (5xx).
bool is_retried(ReplyClass reply_class, bool permanent_reply);
bool blames_provider(ReplyClass reply_class);
bool counts_against_address(ReplyClass reply_class);

}  // namespace todoke::provider
