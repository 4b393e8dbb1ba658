#pragma once

#include "base/result.h"
#include "store/mailbox.h"
#include "store/search.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// A search key made ready to be asked of many messages.
namespace todoke::store {

// Whether a message meets a condition, as far as is known of it.  Of what stays unknown (the body
// is corrupt, the message gone) its negation stays unknown too.
enum class Truth : std::uint8_t { no, yes, unknown };

// Text to be found in a message.
struct TextCondition {
  enum class Where { field, body, text };  // `text` is header and body
  Where where = Where::text;
  std::string field;   // lower case
  std::string needle;  // folded; empty: the message has such a field
};

// What is known of one message so far.  Borrowed for the call.
struct Evidence {
  std::size_t index = 0;  // in the view
  View::Message message{};
  const MessageFacts* facts = nullptr;  // null, or not `found`: not known
  // The day of the Date field as its writer's calendar had it.  No value: not known.  A value
  // without a day: there is none.
  std::optional<std::optional<std::chrono::sys_days>> sent;
  std::span<const Truth> texts;  // for each of Condition::texts(); empty: nothing known
};

// Compiled for one view; does not refer to the key.  Any thread.
class Condition {
 public:
  // Errc::too_many: too many keys, or too much text to look for.
  static Result<Condition> compile(const imap::SearchKey& key, const SearchContext& context);

  Truth test(const Evidence& evidence) const { return test(root_, evidence); }

  // Facts that tests use beside the text.
  FactSet facts() const { return facts_; }
  bool wants_sent_date() const { return (facts_ & fact_envelope) != 0; }
  const std::vector<TextCondition>& texts() const { return texts_; }

 private:
  using Kind = imap::SearchKey::Kind;
  struct Node {
    Kind kind = Kind::all;
    std::vector<Node> children;
    std::vector<imap::SequenceSet::Range> ranges;  // resolved
    unsigned flag = 0;                             // a system flag; 0: the keyword `text`
    std::string text;
    std::uint64_t number = 0;
    std::chrono::sys_days date{};
    Time time{};           // OLDER: at or before; YOUNGER: at or after
    std::size_t slot = 0;  // in texts_
  };
  class Compiler;

  static Truth test(const Node& node, const Evidence& evidence);

  Node root_;
  std::vector<TextCondition> texts_;
  FactSet facts_ = 0;
};

// What a search may ask for.
constexpr std::size_t max_search_conditions = 2'000;
constexpr std::size_t max_search_condition_depth = 100;
constexpr std::size_t max_search_texts = 100;
constexpr std::size_t max_search_text_bytes = 64 * 1024;  // of all needles together

}  // namespace todoke::store
