#pragma once

#include "base/result.h"
#include "imap/syntax/sequence_set.h"
#include "sql/tx.h"
#include "store/hub.h"
#include "store/model.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Changing flags and keywords, inside the caller's transaction.
namespace todoke::store {

// UIDs from first to last.
using UidRange = imap::SequenceSet::Range;

// What becomes of flags and keywords.  RFC 9051 §6.4.6.
struct FlagChange {
  enum class How { replace, add, remove };
  How how = How::replace;
  unsigned flags = 0;
  std::vector<std::string> keywords;  // as the client spelled them
};

// The outcome of a change of flags.
struct FlagsChanged {
  Delta delta;  // those that have other flags now
  // What each of them had as MODSEQ before: another than a client knows, if others changed it too.
  std::vector<std::int64_t> earlier_modseqs;
  std::int64_t modseq = 0;
  // UIDs left alone since they were changed after `unchanged_since`.  RFC 7162 §3.1.3.
  std::vector<std::uint32_t> modified;
};

// Changes the messages of a mailbox that are in `ranges` (sorted, apart).  Errors change nothing:
// not_found (no such mailbox), too_many (different keywords).
Result<FlagsChanged> change_flags(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                                  std::span<const UidRange> ranges, const FlagChange& change,
                                  std::optional<std::int64_t> unchanged_since);

// Different keywords that the messages of a mailbox may have.
constexpr std::size_t max_keywords = 200;

// Keywords as the mailbox spells them, which is how whoever used one first did; new ones become
// known to it.  Separated by single blanks, sorted without case, each once.
Result<std::string> learn_keywords(sql::Tx& tx, std::int64_t account_id, std::int64_t mailbox_id,
                                   std::span<const std::string> keywords);

// The parts of such a text.
std::vector<std::string_view> split_keywords(std::string_view keywords);
// Whether `keyword` is among them, in any case.
bool has_keyword(std::string_view keywords, std::string_view keyword);

}  // namespace todoke::store
