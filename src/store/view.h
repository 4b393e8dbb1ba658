#pragma once

#include "sql/tx.h"
#include "store/hub.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::store {

// A mailbox at one moment, as IMAP numbers it: the messages by UID, number n at index n - 1.
// Immutable, so that any number of sessions on any threads share it, each at the moment up to which
// its client was told.  A later moment shares the unchanged chunks with the one before: a change in
// a mailbox of 100,000 costs microseconds.
class View {
 public:
  struct Entry {
    std::int64_t message_id;
    std::int64_t modseq;
    std::uint64_t size;
    std::uint32_t uid;
    std::uint32_t keywords_at;  // in the chunk's text
    std::uint16_t keywords_length;
    std::uint8_t flags;
  };
  // A message of the view; borrowed from it.
  struct Message {
    const Entry* entry;
    std::string_view keywords;
    const Entry* operator->() const { return entry; }
  };

  // Nothing in it.
  View() = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Message operator[](std::size_t index) const;
  // The index of the first message with this UID or a larger one; size() if there is none.
  std::size_t lower_bound(std::uint32_t uid) const;
  std::optional<std::size_t> find(std::uint32_t uid) const;
  // 0 when empty.
  std::uint32_t largest_uid() const;

  // The next UID to be given out, and the largest MODSEQ of anything that happened here up to the
  // view's moment.
  std::uint32_t uidnext() const { return uidnext_; }
  std::int64_t highestmodseq() const { return highestmodseq_; }
  // Bytes, nearly.
  std::size_t memory() const { return sizeof(View) + size_ * (sizeof(Entry) + 4); }

  // This view and then the change.  Of a message that is here already with a later MODSEQ nothing
  // changes; UIDs that are not here are passed over.
  std::shared_ptr<const View> with(const Delta& delta, std::int64_t modseq) const;

 private:
  friend class ViewBuilder;
  friend struct ViewDiff;
  struct Chunk {
    std::vector<Entry> entries;  // not empty
    std::string keywords;
    void add(const Placement& placement);
    void add(const Entry& entry, std::string_view text);
  };
  using Chunks = std::vector<std::shared_ptr<const Chunk>>;
  static constexpr std::size_t chunk_size = 512;

  std::size_t chunk_of(std::size_t index) const;
  void count();

  Chunks chunks_;
  std::vector<std::size_t> starts_;  // index of each chunk's first message
  std::size_t size_ = 0;
  std::uint32_t uidnext_ = 1;
  std::int64_t highestmodseq_ = 0;
};

// Makes a view from its messages, given by ascending UID.
class ViewBuilder {
 public:
  void add(const Placement& placement);
  void add(const View::Entry& entry, std::string_view keywords);
  std::shared_ptr<const View> finish(std::uint32_t uidnext, std::int64_t highestmodseq);

 private:
  friend View;
  void share(const std::shared_ptr<const View::Chunk>& chunk);
  void close_chunk();
  void make_room(std::size_t entries);
  View::Chunk& room();

  View view_;
  std::shared_ptr<View::Chunk> last_;
};

// What became of one view in a later one of the same mailbox.  Messages of the earlier one keep
// their order.
struct ViewDiff {
  // Indexes in the earlier view of what is gone, ascending.
  std::vector<std::size_t> gone;
  // Indexes in the later view of messages that both have, whose MODSEQ is another; ascending.
  std::vector<std::size_t> changed;
  // Messages of the later view from this index on are new.
  std::size_t first_new = 0;

  ViewDiff(const View& earlier, const View& later);

 private:
  class Walk;
};

// Reads a mailbox as it is in this transaction; empty if it does not exist.
std::shared_ptr<const View> read_view(sql::Tx& tx, std::int64_t account_id,
                                      std::int64_t mailbox_id);

}  // namespace todoke::store
