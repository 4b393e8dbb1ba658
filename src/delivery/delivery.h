#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "delivery/address_handler.h"
#include "delivery/incoming.h"
#include "directory/directory.h"
#include "queue/backlog.h"
#include "smtp/syntax/command.h"
#include "sql/db.h"
#include "store/store.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace todoke::delivery {

// One recipient as it was accepted by accepts().
struct Recipient {
  smtp::Path path;  // as given
  directory::Route route;
  std::optional<smtp::Notify> notify;
  std::optional<smtp::OriginalRecipient> original_recipient;
};

// Everything about a message that is not in its bytes.
struct Envelope {
  std::int64_t id = 0;  // from IdGenerator: by which log, trace headers and queue know the message
  smtp::Path reverse_path;
  std::vector<Recipient> recipients;
  std::optional<directory::Principal> submitted_by;  // nothing: from another server
  std::string origin = "smtp";                       // "smtp", "submission", "lmtp"
  smtp::Body body = smtp::Body::seven_bit;
  bool smtp_utf8 = false;
  bool require_tls = false;
  std::optional<smtp::Ret> ret;
  std::optional<std::string> envid;
  // SMTP has one answer for all recipients, so a message is taken for all or for none; LMTP answers
  // for each.
  enum class Answer { for_all, for_each };
  Answer answer = Answer::for_all;
};

// What became of a message.  Durable when it is returned.
struct Receipt {
  std::vector<Result<>> recipients;  // in the envelope's order: over_limit (full), not_found …
};

// The only door for mail that must find its recipients (architecture rule 3): local ones get it and
// remote ones become queue rows in one and the same commit.  Any thread.
class Delivery {
 public:
  Delivery(sql::Db& db, blob::Store& blobs, store::Store& store, directory::Directory& directory,
           const Clock& clock, IdGenerator& ids);
  ~Delivery();

  // Called after each commit that put mail into the outbound queue, with the lines it waits in. Set
  // once, before the first accept().
  void on_queued(std::function<void(std::vector<queue::LineKey>, Time due)> hear);

  // Who takes mail for addresses that are no mailbox; outlives us.  Set once, before the first
  // accepts().
  void set_handlers(std::vector<AddressHandler*> handlers);

  // Asked before each message is taken: whether the disk has room beyond what the queue needs to
  // go on sending.  Brief; set once, before the first accept().
  void set_room(std::function<bool()> has_room);

  // Whether mail for this address is taken, and where it would go.  `may_relay` for submitters.
  // Errors carry the words for the sender: not_found (550 5.1.1), denied (no relaying, 550 5.7.1),
  // unavailable (suspended, 450 4.2.1), over_limit (known to be full, 452 4.2.2).
  //
  // Whether there is room is settled by accept(); here it is looked at only for accounts that had
  // none lately, so that a message refused for one full mailbox among its recipients gets through
  // to the others at the next attempt.  `size` is what MAIL declared (RFC 1870 §6); without it such
  // an account is passed over for half an hour unless it has room for what it refused.
  [[nodiscard]] Task<Result<directory::Route>> accepts(smtp::Path to, bool may_relay,
                                                       std::optional<std::uint64_t> size);

  // An address of several accounts is taken for all of them or for none: while one is full, its
  // mail is put off (452) for the others too, and the sender learns of it when he gives up.  Why,
  // and what else was thought of: docs/hazards/shared-addresses.md.
  //
  // Takes a message whole.  for_all: an error means that nobody got anything.  Errors: over_limit
  // (a mailbox is full), not_found (it went away since accepts()), denied (a loop), unavailable.
  // Whatever happens, a body that nothing refers to is released.
  // Throws sql::Unavailable or blob::Unavailable when the disk or the database fails.
  [[nodiscard]] Task<Result<Receipt>> accept(Envelope envelope, Incoming message);

  // Begins to receive a message.
  Incoming begin();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::delivery
