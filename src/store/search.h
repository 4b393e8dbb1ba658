#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "imap/syntax/search_key.h"
#include "store/mailbox.h"
#include "store/view.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// Finding messages by condition: flags and numbers from the view, dates and addresses from the
// message's rows, text from the message itself, decoded.  RFC 9051 §6.4.4.
namespace todoke::store {

// What a search needs beside its key.
struct SearchContext {
  std::shared_ptr<const View> view;
  // UIDs that "$" stands for, sorted.  RFC 9051 §6.4.4.1.
  std::vector<std::uint32_t> saved_result;
  Time now{};
};

// Indexes of the messages of the view that meet the condition, ascending.  Of a message that was
// purged meanwhile nothing is known but what the view says, of one whose body is corrupt no text:
// it meets neither a condition on what is not known nor the opposite of one.
// Reads bodies in bounded memory and on several workers.  Text is compared as fold() leaves it, in
// any part of a decoded header or a decoded text part, whatever its charset.
// Errc::too_many: the condition asks for more work than one command may cause; unavailable: the
// disk does not answer.  Days of internal and save dates are those of UTC; of a Date field the day
// in its own time zone.
[[nodiscard]] Task<Result<std::vector<std::size_t>>> search(Mailbox mailbox, imap::SearchKey key,
                                                            SearchContext context);

// Text as searches compare it: NFKC with case folded, so that half-width katakana meet full-width
// ones, and runs of white space and line ends are one blank.  Text that is not UTF-8 passes as if
// it were, byte by byte.
std::string fold(std::string_view text);

}  // namespace todoke::store
