#include "provider/reply_class.h"

#include "base/assert.h"

#include <algorithm>
#include <array>

namespace todoke::provider {
namespace {

struct Row {
  ReplyClass reply_class;
  std::string_view name;
  ClassFacts facts;  // who acts, blames the provider, holds, strike
};

constexpr std::array rows = {
    Row{ReplyClass::gone, "gone", {Party::administrator, false, false, 1}},
    Row{ReplyClass::inactive, "inactive", {Party::member, false, false, 0.5}},
    Row{ReplyClass::full, "full", {Party::member, false, false, 0.25}},
    Row{ReplyClass::filtered, "filtered", {Party::member, false, false, 0}},
    Row{ReplyClass::throttled, "throttled", {Party::system, true, false, 0}},
    Row{ReplyClass::blocked, "blocked", {Party::operators, true, true, 0}},
    Row{ReplyClass::auth, "auth", {Party::operators, false, true, 0}},
    Row{ReplyClass::content, "content", {Party::author, false, false, 0}},
    Row{ReplyClass::unreachable, "unreachable", {Party::system, true, false, 0}},
    Row{ReplyClass::expired, "expired", {Party::system, false, false, 0}},
    Row{ReplyClass::complaint, "complaint", {Party::member, false, false, 0}},
    Row{ReplyClass::automatic, "automatic", {Party::nobody, false, false, 0}},
    Row{ReplyClass::unknown, "unknown", {Party::operators, false, false, 0}},
};

const Row& row_of(ReplyClass reply_class) {
  const auto* row = std::ranges::find(rows, reply_class, &Row::reply_class);
  TODOKE_ASSERT(row != rows.end());
  return *row;
}

}  // namespace

std::string_view to_text(ReplyClass reply_class) {
  return row_of(reply_class).name;
}

std::optional<ReplyClass> parse_reply_class(std::string_view text) {
  const auto* row = std::ranges::find(rows, text, &Row::name);
  if (row == rows.end()) return std::nullopt;
  return row->reply_class;
}

const ClassFacts& facts_of(ReplyClass reply_class) {
  return row_of(reply_class).facts;
}

bool is_retried(ReplyClass reply_class, bool permanent_reply) {
  switch (reply_class) {
    case ReplyClass::full:  // hours apart, as long as the notice is of use
    case ReplyClass::throttled:
    case ReplyClass::blocked:  // held, whatever the code: a 5xx given to our address is no verdict
    case ReplyClass::auth:     // on the recipient
    case ReplyClass::unreachable:
    case ReplyClass::unknown:  // a 5xx once more, after hours
      return true;
    case ReplyClass::gone:  // a server that says 4xx may still be asking its own directory
    case ReplyClass::inactive:
    case ReplyClass::filtered:
    case ReplyClass::content:
      return !permanent_reply;
    case ReplyClass::expired:
    case ReplyClass::complaint:
    case ReplyClass::automatic:
      return false;
  }
  return false;
}

bool blames_provider(ReplyClass reply_class) {
  return facts_of(reply_class).blames_provider;
}

bool counts_against_address(ReplyClass reply_class) {
  return facts_of(reply_class).strike > 0;
}

}  // namespace todoke::provider
