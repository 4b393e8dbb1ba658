#pragma once

#include "app/installation.h"
#include "app/transfer/importer.h"
#include "app/transfer/receiver.h"
#include "store/import.h"

#include <deque>
#include <string>
#include <unordered_set>

namespace todoke::transfer {

// One mailbox that messages are imported into, many in one commit.  Blocks; one thread.
class MailboxWriter {
 public:
  // Finds the mailbox, or creates it.
  static Result<MailboxWriter> open(app::Installation& in, const ImportTarget& target,
                                    const std::string& name);
  // An existing one, for a restore.
  MailboxWriter(app::Installation& in, std::int64_t account_id, std::int64_t mailbox_id,
                store::Quota quota);

  bool knows(const std::string& source) const { return known_.contains(source); }
  Receiver begin() { return Receiver(in_->blobs()); }
  // Takes a message whole.  It is durable after the next flush(), which comes by itself when
  // enough are waiting.
  Result<> add(Receiver& receiver, const Marks& marks, std::string source);
  Result<> add(Receiver::Received received, const Marks& marks, std::string source,
               store::Identity identity, std::string origin);
  Result<> flush();
  // Messages that were committed.
  std::int64_t added() const { return added_; }

 private:
  struct Waiting {
    store::Parsed parsed;
    std::string keywords;
    std::string origin;
  };
  app::Installation* in_;
  std::int64_t account_id_;
  std::int64_t mailbox_id_;
  store::Quota quota_;
  std::unordered_set<std::string> known_;
  std::deque<Waiting> texts_;  // what `batch_` borrows from; a deque does not move its elements
  std::vector<store::Imported> batch_;
  std::uint64_t batch_bytes_ = 0;
  std::int64_t added_ = 0;
};

}  // namespace todoke::transfer
