#pragma once

#include "base/result.h"
#include "base/task.h"
#include "blob/store.h"
#include "store/copy.h"
#include "store/flags.h"
#include "store/live_view.h"
#include "store/maildrop.h"
#include "store/model.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace todoke::store {

class Search;
class Store;

// What FETCH can want of a message beyond the view, as bits.
enum Fact : unsigned {
  fact_date = 1,
  fact_envelope = 2,
  fact_structure = 4,
  fact_preview = 8,
  fact_thread = 16,
  fact_body = 32,
  fact_saved = 64,
};
using FactSet = unsigned;

// Facts about one message: those that were asked for.
struct MessageFacts {
  bool found = false;  // else it was expunged and purged meanwhile
  Time internal_date{};
  std::int64_t thread_id = 0;
  std::int64_t blob_id = 0;  // with thread_id: the same for all copies of a message
  std::string envelope;      // mime::encode(Envelope)
  std::string structure;     // mime::encode(Structure)
  std::string preview;
  blob::Location body;
  std::optional<Time> saved_at;  // none once it has left the mailbox
};

// A message for append(): its body is stored already.
struct Appended {
  blob::Location body;
  Parsed parsed;
  unsigned flags = 0;
  std::vector<std::string> keywords;
  std::optional<Time> internal_date;  // none: now
};

// An open mailbox: the only way to its messages, and proof that its holder has the rights it asked
// for.  Cheap to copy; outlived by the Store.  Used by one session.  Each function names the right
// it needs, and answers Errc::denied without it.
class Mailbox {
 public:
  std::int64_t id() const { return mailbox_id_; }
  Rights rights() const { return rights_; }

  // What POP3 shows: the messages in their POP3 order, without reading one of them.
  [[nodiscard]] Task<std::shared_ptr<const Maildrop>> maildrop();
  // What IMAP shows; shared with the other sessions of this mailbox.
  std::shared_ptr<LiveView> live();
  // Names, numbers and counters now; not_found once the mailbox is deleted.
  [[nodiscard]] Task<Result<MailboxInfo>> info();

  // Where the bodies of messages stand now, in the order asked; for a message that is gone a
  // Location of size 0.  Places hold for a minute at least, then ask again.
  [[nodiscard]] Task<std::vector<blob::Location>> locate(std::vector<std::int64_t> message_ids);
  // Facts about messages of a view, given by UID and message id, in the order asked.
  using MessageKey = std::pair<std::uint32_t, std::int64_t>;
  [[nodiscard]] Task<std::vector<MessageFacts>> facts(std::vector<MessageKey> messages,
                                                      FactSet wanted);
  // The same, read while the caller works on what it has.  At least one, but fewer than asked for
  // when their facts are too much to hold at once.
  using FactsQuery = std::function<std::vector<MessageFacts>(sql::Tx&)>;
  sql::Db::Begun<FactsQuery> begin_facts(std::vector<MessageKey> messages, FactSet wanted);
  // UIDs that left the mailbox after a MODSEQ, sorted.  RFC 7162 §3.2.6.
  [[nodiscard]] Task<std::vector<std::uint32_t>> vanished_since(std::int64_t modseq);

  // Removes messages from the mailbox; a restore can bring them back for 30 days.  UIDs that are
  // gone already, and messages that lack one of the `required` flags, are passed over.  Answers
  // how many went.  right_expunge.
  [[nodiscard]] Task<Result<int>> expunge(std::vector<std::uint32_t> uids, unsigned required = 0);
  // right_flags.  As store::change_flags().
  [[nodiscard]] Task<Result<FlagsChanged>> change_flags(
      std::vector<UidRange> ranges, FlagChange change, std::optional<std::int64_t> unchanged_since);

  // All messages or none, in one commit; where they stand is told in the same order.  not_found:
  // the mailbox was deleted; over_limit: quota; too_many: keywords.  Bodies of messages that were
  // not taken are released.  right_insert.
  [[nodiscard]] Task<Result<std::vector<Placed>>> append(std::vector<Appended> messages,
                                                         Quota quota);
  // As store::copy_messages() and store::move_messages(), from here to `target`.  The target needs
  // right_insert; a move right_expunge here.
  [[nodiscard]] Task<Result<Copied>> copy_to(Mailbox target, std::vector<UidRange> ranges,
                                             Quota quota);
  [[nodiscard]] Task<Result<Copied>> move_to(Mailbox target, std::vector<UidRange> ranges);

 private:
  friend Search;
  friend Store;
  Mailbox(Store& store, std::int64_t account_id, std::int64_t mailbox_id, Rights rights)
      : store_(&store), account_id_(account_id), mailbox_id_(mailbox_id), rights_(rights) {}
  bool has(Rights needed) const { return (rights_ & needed) == needed; }

  Store* store_;
  std::int64_t account_id_;
  std::int64_t mailbox_id_;
  Rights rights_;
};

}  // namespace todoke::store
