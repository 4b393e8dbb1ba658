#include "store/search_condition.h"

#include "base/ascii.h"
#include "base/ids.h"
#include "store/flags.h"

#include <algorithm>
#include <utility>

namespace todoke::store {
namespace {

using Kind = imap::SearchKey::Kind;
using std::chrono::sys_days;

Truth truth(bool is_so) {
  return is_so ? Truth::yes : Truth::no;
}

Truth opposite(Truth t) {
  return t == Truth::unknown ? t : truth(t == Truth::no);
}

// `seconds` before `now`, or as long ago as can be told.
Time before(Time now, std::uint64_t seconds) {
  constexpr std::uint64_t longest = 100'000'000'000;  // three thousand years
  return now - std::chrono::seconds(std::min(seconds, longest));
}

}  // namespace

class Condition::Compiler {
 public:
  Compiler(Condition& out, const SearchContext& context) : out_(out), context_(context) {}

  Result<Node> compile(const imap::SearchKey& key, std::size_t depth) {
    if (++nodes_ > max_search_conditions || depth > max_search_condition_depth)
      return fail(Errc::too_many, "the search has too many conditions");
    Node node{.kind = key.kind, .number = key.number, .date = key.date};
    for (const auto& child : key.children) {
      TRY(auto compiled, compile(child, depth + 1));
      node.children.push_back(std::move(compiled));
    }
    TRY_OK(complete(node, key));
    return node;
  }

 private:
  Result<> complete(Node& node, const imap::SearchKey& key) {
    switch (key.kind) {
      case Kind::sequence:
        node.ranges = key.set.resolve(static_cast<std::uint32_t>(context_.view->size()));
        return resolve_saved(node, key.set);
      case Kind::uid:
        node.ranges = key.set.resolve(context_.view->largest_uid());
        return resolve_saved(node, key.set);
      case Kind::flag:
        node.flag = flag_from_name(key.text);
        node.text = key.text;
        // A system flag of another name is one that no message has.
        if (node.flag == 0 && key.text.starts_with('\\')) node.kind = Kind::none;
        return {};
      case Kind::save_date_supported:  // RFC 8514 §4.3: here every mailbox has save dates
        node.kind = Kind::all;
        return {};
      case Kind::older:
      case Kind::younger:
        node.time = before(context_.now, key.number);
        [[fallthrough]];
      case Kind::before:
      case Kind::on:
      case Kind::since:
        out_.facts_ |= fact_date;
        return {};
      case Kind::sent_before:
      case Kind::sent_on:
      case Kind::sent_since:
        out_.facts_ |= fact_envelope;
        return {};
      case Kind::saved_before:
      case Kind::saved_on:
      case Kind::saved_since:
        out_.facts_ |= fact_saved;
        return {};
      case Kind::thread_id:
      case Kind::email_id:
        out_.facts_ |= fact_thread;
        node.text = key.text;
        return {};
      case Kind::header:
      case Kind::body:
      case Kind::text:
        return add_text(node, key);
      default:
        return {};
    }
  }

  // "$" is UIDs, wherever it stands.  RFC 9051 §6.4.4.1.
  Result<> resolve_saved(Node& node, const imap::SequenceSet& set) {
    if (!set.saved_result) return {};
    node.kind = Kind::uid;
    node.ranges.clear();
    for (auto uid : context_.saved_result) {
      if (!node.ranges.empty() && node.ranges.back().last + 1 == uid)
        node.ranges.back().last = uid;
      else
        node.ranges.push_back({uid, uid});
    }
    return {};
  }

  Result<> add_text(Node& node, const imap::SearchKey& key) {
    auto needle = fold(key.text);
    // The empty text is part of every text, also of none.
    if (needle.empty() && key.kind != Kind::header) {
      node.kind = Kind::all;
      return {};
    }
    text_bytes_ += needle.size();
    if (out_.texts_.size() == max_search_texts || text_bytes_ > max_search_text_bytes)
      return fail(Errc::too_many, "the search looks for too many texts");
    auto where = key.kind == Kind::header ? TextCondition::Where::field
                 : key.kind == Kind::body ? TextCondition::Where::body
                                          : TextCondition::Where::text;
    node.slot = out_.texts_.size();
    out_.texts_.push_back({where, ascii::to_lower(key.field), std::move(needle)});
    return {};
  }

  Condition& out_;
  const SearchContext& context_;
  std::size_t nodes_ = 0;
  std::size_t text_bytes_ = 0;
};

Result<Condition> Condition::compile(const imap::SearchKey& key, const SearchContext& context) {
  Condition condition;
  TRY(condition.root_, Compiler(condition, context).compile(key, 0));
  return condition;
}

namespace {

// RFC 9051 §6.4.4: conditions on dates disregard time and time zone.
Truth compare_days(Kind kind, sys_days day, sys_days asked) {
  switch (kind) {
    case Kind::before:
    case Kind::sent_before:
    case Kind::saved_before:
      return truth(day < asked);
    case Kind::on:
    case Kind::sent_on:
    case Kind::saved_on:
      return truth(day == asked);
    default:
      return truth(day >= asked);
  }
}

sys_days day_of(Time time) {
  return std::chrono::floor<std::chrono::days>(time);
}

}  // namespace

Truth Condition::test(const Node& node, const Evidence& evidence) {
  const auto* facts = evidence.facts != nullptr && evidence.facts->found ? evidence.facts : nullptr;
  const auto& message = evidence.message;
  switch (node.kind) {
    case Kind::all:
    case Kind::save_date_supported:
      return Truth::yes;
    case Kind::none:
      return Truth::no;
    case Kind::both:
    case Kind::either: {
      // One child that says this decides.
      const auto decisive = truth(node.kind == Kind::either);
      auto answer = opposite(decisive);
      for (const auto& child : node.children) {
        const auto one = test(child, evidence);
        if (one == decisive) return decisive;
        if (one == Truth::unknown) answer = Truth::unknown;
      }
      return answer;
    }
    case Kind::negated:
      return opposite(test(node.children.front(), evidence));
    case Kind::sequence:
      return truth(contains(node.ranges, evidence.index + 1));
    case Kind::uid:
      return truth(contains(node.ranges, message->uid));
    case Kind::flag:
      if (node.flag != 0) return truth((message->flags & node.flag) != 0);
      return truth(has_keyword(message.keywords, node.text));
    case Kind::larger:
      return truth(message->size > node.number);
    case Kind::smaller:
      return truth(message->size < node.number);
    case Kind::mod_seq:
      return truth(static_cast<std::uint64_t>(message->modseq) >= node.number);
    case Kind::email_id:
      return facts == nullptr ? Truth::unknown : truth(id_text(facts->blob_id) == node.text);
    case Kind::thread_id:
      return facts == nullptr ? Truth::unknown : truth(id_text(facts->thread_id) == node.text);
    // The day is that of UTC, the only zone that we know of an internal date.
    case Kind::before:
    case Kind::on:
    case Kind::since:
      if (facts == nullptr) return Truth::unknown;
      return compare_days(node.kind, day_of(facts->internal_date), node.date);
    case Kind::saved_before:
    case Kind::saved_on:
    case Kind::saved_since:
      if (facts == nullptr || !facts->saved_at) return Truth::unknown;
      return compare_days(node.kind, day_of(*facts->saved_at), node.date);
    case Kind::sent_before:
    case Kind::sent_on:
    case Kind::sent_since:
      if (!evidence.sent) return Truth::unknown;
      if (!*evidence.sent) return Truth::no;
      return compare_days(node.kind, **evidence.sent, node.date);
    // At the very second both hold.
    case Kind::older:
      return facts == nullptr ? Truth::unknown : truth(facts->internal_date <= node.time);
    case Kind::younger:
      return facts == nullptr ? Truth::unknown : truth(facts->internal_date >= node.time);
    case Kind::header:
    case Kind::body:
    case Kind::text:
      return evidence.texts.empty() ? Truth::unknown : evidence.texts[node.slot];
  }
  return Truth::unknown;
}

}  // namespace todoke::store
