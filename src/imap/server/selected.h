#pragma once

#include "base/result.h"
#include "imap/syntax/command.h"
#include "store/mailbox.h"
#include "store/view.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace todoke::imap {

// Messages of a view by index, [begin, end).
struct IndexRange {
  std::size_t begin;
  std::size_t end;
};

// A mailbox by its counters at one moment: all that SELECT has to tell.
struct Moment {
  std::size_t count = 0;
  std::uint32_t uidnext = 1;
  std::int64_t highestmodseq = 0;
};

// The selected mailbox as one session's client knows it.
struct Selected {
  store::Mailbox mailbox;
  std::shared_ptr<store::LiveView> live;
  // Up to here the client was told; its message numbers are this view's.
  // Null while nobody has needed one: then the client knows of `opened_at`.
  std::shared_ptr<const store::View> seen;
  Moment opened_at;
  // The largest MODSEQ below which the client has missed nothing.  Less than that of `seen`, and of
  // the session's own changes, while an expunge is held back.
  std::int64_t told_up_to = 0;
  bool holds_back = false;  // at the end of the last command
  std::string keywords;     // that FLAGS has named
  // UIDs of the last SEARCH RETURN (SAVE), sorted.  RFC 9051 §6.4.4.1.
  std::vector<std::uint32_t> saved_result;
  bool read_only = false;

  // The messages that a client's set means, as ranges that are sorted and apart.  invalid: it names
  // a message number that does not exist.  UIDs that do not exist are passed over.
  Result<std::vector<IndexRange>> messages(const SequenceSet& set, Numbers numbers) const;
  // The same as ranges of UIDs; a range holds no message that the client does not know.
  std::vector<store::UidRange> uid_ranges(const std::vector<IndexRange>& messages) const;

  // What the session itself did is known to its client.
  void learn(const store::Delta& delta, std::int64_t modseq) { seen = seen->with(delta, modseq); }
  // The client has been told of all up to this view.
  void told(std::shared_ptr<const store::View> now) {
    seen = std::move(now);
    told_up_to = seen->highestmodseq();
  }
};

// Number of messages in ranges.
std::size_t count_of(const std::vector<IndexRange>& ranges);

}  // namespace todoke::imap
