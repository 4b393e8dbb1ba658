#pragma once

#include "imap/syntax/sequence_set.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace todoke::imap {

// A search condition as a tree.  RFC 9051 §6.4.4, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §5.3,
// RFC 8514 §4.3.
struct SearchKey {
  enum class Kind {
    all,
    both,     // every child (a list in parentheses; the top of every search)
    either,   // OR: two children
    negated,  // NOT: one child
    sequence,
    uid,
    // Flags: `text` is the flag as stored, "\\Seen" or a keyword.  UNSEEN is a negated one.  OLD,
    // NEW and RECENT are parsed to what they mean where no message is recent: all, none, none.
    flag,
    none,
    // Dates compare days; `date` is the day.
    before,
    on,
    since,
    sent_before,
    sent_on,
    sent_since,
    saved_before,
    saved_on,
    saved_since,
    save_date_supported,
    older,  // WITHIN: `number` is seconds
    younger,
    larger,  // `number` is octets
    smaller,
    mod_seq,  // `number`; at least
    header,   // `field` and `text`; FROM, TO, CC, BCC, SUBJECT come as this too.  No text: has the
              // field
    body,
    text,
    email_id,   // `text`
    thread_id,  // `text`
  };
  Kind kind = Kind::all;
  std::vector<SearchKey> children;
  SequenceSet set;
  std::string field;  // lower case
  std::string text;   // UTF-8
  std::uint64_t number = 0;
  std::chrono::sys_days date{};

  friend bool operator==(const SearchKey&, const SearchKey&) = default;
};

}  // namespace todoke::imap
