#pragma once

#include "base/clock.h"
#include "base/ids.h"
#include "base/principal.h"
#include "base/result.h"
#include "base/worker_pool.h"
#include "blob/store.h"
#include "sql/db.h"
#include "store/hub.h"
#include "store/live_view.h"
#include "store/mailbox.h"
#include "store/maildrop.h"
#include "store/model.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace todoke::store {

// An expunged message that can still be restored.
struct Expunged {
  std::int64_t mailbox_id = 0;
  std::uint32_t uid = 0;
  std::int64_t size = 0;
  Time expunged_at{};
  std::string preview;
};

// The mailboxes and messages of all accounts.  Any thread.
class Store {
 public:
  Store(sql::Db& db, blob::Store& blobs, const Clock& clock, IdGenerator& ids, WorkerPool& pool,
        Hub& hub);
  ~Store();

  // ---- For sessions: nothing without a principal (mail-server rule R8)

  // Opens a mailbox of the principal's account.  not_found, whether it does not exist or is not the
  // principal's to see: the two look the same.
  [[nodiscard]] Task<Result<Mailbox>> open(Principal principal, std::int64_t mailbox_id,
                                           Rights needed);
  // The same by name, in any form of composition, with what is known of it at this moment.
  struct Opened {
    Mailbox mailbox;
    MailboxInfo info;
  };
  [[nodiscard]] Task<Result<Opened>> open(Principal principal, std::string name, Rights needed);

  // Appends `length` bytes of a body from `offset` to `out`.  Reads what the page cache has without
  // leaving the thread, else on a worker.  Errc::corrupt: the checksum failed; not_found: moved.
  [[nodiscard]] Task<Result<std::string>> read(blob::Location at, std::uint64_t offset,
                                               std::uint64_t length);
  // The first half of read(): false if the disk would have to be waited for.
  Result<bool> read_cached(const blob::Location& at, std::uint64_t offset, std::uint64_t length,
                           std::string& out) {
    return blobs_.read_cached(at, offset, length, out);
  }

  // ---- For administration, by account; the caller has checked who asks

  [[nodiscard]] Task<std::vector<MailboxInfo>> mailboxes(std::int64_t account_id,
                                                         bool with_deleted);
  // One that is not deleted.  A name is found in its composed form (NFC) too.
  [[nodiscard]] Task<std::optional<MailboxInfo>> find_mailbox(std::int64_t account_id,
                                                              std::string name);
  // Names are kept in their composed form.  conflict: the name is taken; invalid, with words;
  // denied: another mailbox has this role; too_many: an account holds 10,000 mailboxes.
  [[nodiscard]] Task<Result<MailboxInfo>> create_mailbox(std::int64_t account_id,
                                                         NewMailbox wanted);
  // With all that is below it.  The INBOX itself stays and gives its messages to a new mailbox of
  // that name (RFC 9051 §6.3.6).  Errors as above, and not_found.
  [[nodiscard]] Task<Result<>> rename_mailbox(std::int64_t account_id, std::string from,
                                              std::string to);
  // A deleted one too, for as long as it can be restored.
  [[nodiscard]] Task<Result<>> set_subscribed(std::int64_t account_id, std::string name,
                                              bool subscribed);
  // Bytes that count against the quota.
  [[nodiscard]] Task<std::int64_t> used_bytes(std::int64_t account_id);
  // The mailbox and its messages can be restored for 30 days.  The INBOX stays.
  [[nodiscard]] Task<Result<>> delete_mailbox(std::int64_t account_id, std::int64_t mailbox_id);
  [[nodiscard]] Task<Result<>> restore_mailbox(std::int64_t account_id, std::int64_t mailbox_id);

  [[nodiscard]] Task<std::vector<Expunged>> expunged(std::int64_t account_id,
                                                     std::int64_t mailbox_id);
  // Brings expunged messages back under new UIDs, with their flags and POP3 UIDLs.
  [[nodiscard]] Task<Result<int>> restore_expunged(std::int64_t account_id, std::int64_t mailbox_id,
                                                   Time since);

  // The messages of a mailbox with UIDs above `after`, at most `limit`, by UID.
  [[nodiscard]] Task<std::vector<MessageImage>> messages(std::int64_t account_id,
                                                         std::int64_t mailbox_id,
                                                         std::uint32_t after, int limit);

  // Bytes that the accounts of an organisation hold together.
  [[nodiscard]] Task<std::int64_t> organisation_bytes(std::int64_t organisation_id);

  // ---- Housekeeping

  // Removes for good what has been deleted for more than 30 days, a bounded piece at a time; the
  // number of messages purged, 0 when nothing is left to do.
  [[nodiscard]] Task<int> purge_some();
  // Tells the blob store what is alive, once after a start, so that compaction may begin.  Mail may
  // arrive meanwhile; nothing is purged before it has returned.
  [[nodiscard]] Task<> account_for_blobs();
  // One round of compaction on a worker thread; bytes freed.
  [[nodiscard]] Task<std::uint64_t> compact_some();

  Hub& hub() { return hub_; }
  blob::Store& blobs() { return blobs_; }

 private:
  friend Mailbox;
  friend Search;
  sql::Db& db_;
  blob::Store& blobs_;
  const Clock& clock_;
  IdGenerator& ids_;
  WorkerPool& pool_;
  Hub& hub_;
  std::unique_ptr<MaildropCache> maildrops_;
  std::unique_ptr<LiveViews> views_;
};

constexpr std::chrono::days kept_after_deletion{30};

}  // namespace todoke::store
