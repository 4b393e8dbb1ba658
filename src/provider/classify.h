#pragma once

#include "provider/book.h"
#include "provider/reply_class.h"
#include "provider/rule.h"

#include <string>

namespace todoke::provider {

struct Verdict {
  ReplyClass reply_class = ReplyClass::unknown;
  std::string rule;        // "gmail.rate-ip", "global.spamhaus", "enhanced.no-mailbox", "unknown"
  bool permanent = false;  // the server said 5xx: it does not expect this message again
  Named named = Named::none;
  Scope scope = Scope::usual;

  friend bool operator==(const Verdict&, const Verdict&) = default;
};

// What a failed attempt means.  The order is that of Book::rules_for: what this provider is known
// to say at this stage, then words that put the blame on us before words that put it on the
// recipient, then enhanced codes, then bare codes.  For replies and for bounces that come later
// alike.  Never throws, in time linear in the text, of which it reads ReplyText::max_bytes.
Verdict classify(const Book& book, const Provider& provider, const Response& response);

}  // namespace todoke::provider
