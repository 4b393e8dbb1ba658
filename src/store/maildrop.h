#pragma once

#include "sql/tx.h"
#include "store/model.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::store {

// A mailbox as POP3 shows it at one moment; immutable and shared by sessions.  The texts of LIST
// and UIDL are formatted once, when the maildrop is made, since clients ask for all of them every
// time.
class Maildrop {
 public:
  struct Entry {
    std::int64_t message_id;
    std::uint32_t uid;
    std::uint32_t uidl_at;    // of its line's text in uidl_text()
    std::uint64_t pop3_size;  // octets as sent over POP3
    std::string_view uidl(const Maildrop& in) const;
    std::uint32_t uidl_length;
  };

  // Message number n of POP3 is entries()[n - 1].
  const std::vector<Entry>& entries() const { return entries_; }
  std::uint64_t total_size() const { return total_size_; }
  // "n size\r\n" for every message.  RFC 1939 §5 LIST.
  const std::string& list_text() const { return list_text_; }
  // "n uidl\r\n" for every message.  RFC 1939 §7 UIDL.
  const std::string& uidl_text() const { return uidl_text_; }
  std::size_t memory() const;

 private:
  friend std::shared_ptr<const Maildrop> read_maildrop(sql::Tx& tx, std::int64_t account_id,
                                                       std::int64_t mailbox_id);
  std::vector<Entry> entries_;
  std::uint64_t total_size_ = 0;
  std::string list_text_;
  std::string uidl_text_;
};

// Reads the placements of a mailbox, in POP3 order.
std::shared_ptr<const Maildrop> read_maildrop(sql::Tx& tx, std::int64_t account_id,
                                              std::int64_t mailbox_id);

// The maildrops opened last, bounded by their memory.  One is good for as long as the mailbox's
// highest MODSEQ is the one it was read at.  Any thread.
class MaildropCache {
 public:
  explicit MaildropCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  std::shared_ptr<const Maildrop> find(std::int64_t account_id, std::int64_t mailbox_id,
                                       std::int64_t highestmodseq);
  void put(std::int64_t account_id, std::int64_t mailbox_id, std::int64_t highestmodseq,
           std::shared_ptr<const Maildrop> maildrop);

 private:
  using Key = std::pair<std::int64_t, std::int64_t>;
  struct Kept {
    Key key;
    std::int64_t highestmodseq;
    std::shared_ptr<const Maildrop> maildrop;
  };
  void drop(std::list<Kept>::iterator at);

  const std::size_t max_bytes_;
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::list<Kept> recent_;  // most recent first
  std::map<Key, std::list<Kept>::iterator> by_key_;
};

}  // namespace todoke::store
