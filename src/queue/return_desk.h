#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "provider/book.h"
#include "queue/event.h"
#include "queue/job.h"
#include "queue/journal.h"
#include "queue/returns/return_parser.h"
#include "smtp/syntax/path.h"

#include <optional>
#include <string>
#include <string_view>

namespace todoke::queue {

// What comes back to the return paths that we made for single recipients
// (ReturnPath::per_recipient) becomes events of these.  A return path that we did not make is
// nobody's address, so a forged notice changes nothing.  Any thread.
class ReturnDesk {
 public:
  // `key` is secret, 32 random bytes, and the same for as long as mail may come back.
  ReturnDesk(const provider::Book& book, std::string key) : book_(book), key_(std::move(key)) {}

  // The return path of a recipient: "b+TOKEN@" and the domain of the message's reverse-path.
  std::string address_of(const Message& message, RecipientId recipient) const;
  // Whose return path it is; nothing: none of ours.
  std::optional<RecipientId> recipient_of(const smtp::Path& path) const;

  // Whom a complaint is about (RFC 5965 §3.2): reporters hide addresses, and our return path stands
  // in the mail that they return.  Nothing: it is no complaint, or about no mail of ours.
  std::optional<RecipientId> recipient_of(const Return& complaint) const;

  // Reads what came to a recipient's return path, with its first megabyte, into what it means.
  Return read(std::string_view text, const smtp::Path& reverse_path) const;
  // False: the recipient is forgotten.
  bool write(sql::Tx& tx, RecipientId recipient, const Return& returned, std::int64_t event_id,
             Time now, Consequences& consequences) const;

 private:
  const provider::Book& book_;
  const std::string key_;
};

// The event that a notice stands for, for a recipient at this provider.  Nothing: it says nothing
// of the recipient (an ordinary mail, or one that a program made for reasons of its own).
std::optional<Outcome> event_of(const Return& returned, const provider::Book& book,
                                const provider::Provider& provider);

}  // namespace todoke::queue
