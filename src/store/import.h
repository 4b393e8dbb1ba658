#pragma once

#include "base/result.h"
#include "blob/store.h"
#include "sql/tx.h"
#include "store/append.h"
#include "store/model.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

// Bringing mail in from files: many messages in one transaction, each once.
namespace todoke::store {

// A message that was read from somewhere, its body stored.
struct Imported {
  NewMessage message;
  blob::Location body;
  std::string source;  // says where it stood; empty: not remembered
};

// Appends what is not there yet.  Answers how many were; errors as append().
Result<int> import_messages(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                            std::span<const Imported> messages, const Quota& quota);

// The sources that were imported into this mailbox, ever.
std::unordered_set<std::string> imported_sources(sql::Tx& tx, std::int64_t account_id,
                                                 std::int64_t mailbox_id);

// A mailbox as a backup or another server knows it.
struct MailboxImage {
  std::string name;
  Role role = Role::none;
  std::uint32_t uidvalidity = 0;
  std::uint32_t uidnext = 1;
  std::int64_t pop3_next_seq = 1;
  bool subscribed = true;
};

// All mailboxes that are not deleted, with their ids.
std::vector<std::pair<std::int64_t, MailboxImage>> mailbox_images(sql::Tx& tx,
                                                                  std::int64_t account_id);

// The messages with UIDs above `after`, at most `limit`, by UID.
std::vector<MessageImage> message_images(sql::Tx& tx, std::int64_t account_id,
                                         std::int64_t mailbox_id, std::uint32_t after, int limit);

// Makes room for a mailbox that comes with its UIDs: takes the account's mailbox of this name or
// role if it never held a message, else a new one.  Answers its id.  conflict: the name is in use.
Result<std::int64_t> begin_mailbox(sql::Tx& tx, std::int64_t account_id, const MailboxImage& image,
                                   Time now);
// After its messages: numbers that were given out and are gone are not given out again.
void finish_mailbox(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                    const MailboxImage& image);

}  // namespace todoke::store
