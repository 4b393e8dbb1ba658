#pragma once

#include "queue/returns/dsn_composer.h"

#include <string>

// What a notice says to people.
namespace todoke::queue {

// Both languages in one, UTF-8.
std::string dsn_subject(const DsnRequest& request);
// The text with both languages, the request's first one first; behind them which mail it is about
// and the words of the other servers.
std::string dsn_text(const DsnRequest& request);

// A reply of another server as UTF-8 in one line, whatever charset it was in.
std::string readable_diagnostic(const DsnRecipient& recipient);

}  // namespace todoke::queue
