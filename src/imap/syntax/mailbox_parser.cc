#include "base/ascii.h"
#include "imap/syntax/parser.h"

#include <algorithm>
#include <array>

// SELECT, EXAMINE, CREATE, STATUS, LIST and LSUB.
namespace todoke::imap {
namespace {

// RFC 7162 §3.2.5.2: sets here name plain numbers.
Result<SequenceSet> parse_known_set(Parser& in) {
  TRY(auto set, in.sequence_set());
  auto open = [](const SequenceSet::Range& range) { return range.first == 0 || range.last == 0; };
  if (set.saved_result || std::ranges::any_of(set.ranges, open))
    return malformed("QRESYNC takes sets without * and $");
  return set;
}

Result<std::pair<SequenceSet, SequenceSet>> parse_match_data(Parser& in) {
  TRY_OK(in.expect('('));
  TRY(auto numbers, parse_known_set(in));
  TRY_OK(in.space());
  TRY(auto uids, parse_known_set(in));
  TRY_OK(in.expect(')'));
  return std::pair(std::move(numbers), std::move(uids));
}

// "(67890007 20050715194045000 41,43:211,214:541 (1,5 1,5))"
Result<QuickResync> parse_quick_resync(Parser& in) {
  QuickResync resync;
  TRY_OK(in.expect('('));
  TRY(resync.uid_validity, in.nz_number("UIDVALIDITY"));
  TRY_OK(in.space());
  TRY(resync.mod_seq, in.mod_seq());
  bool more = in.take(' ');
  if (more && in.next_is_digit()) {
    TRY(resync.known_uids, parse_known_set(in));
    more = in.take(' ');
  }
  if (more && in.next_is('(')) {
    TRY(resync.known_numbers, parse_match_data(in));
  }
  TRY_OK(in.expect(')'));
  return resync;
}

Result<Command> parse_opening(Parser& in, bool examine) {
  Select select{.examine = examine};
  TRY_OK(in.space());
  TRY(select.mailbox, in.mailbox());
  auto parameter = [&]() -> Result<> {
    auto word = in.word();
    if (ascii::equal_ignoring_case(word, "CONDSTORE")) {
      select.condstore = true;
    } else if (ascii::equal_ignoring_case(word, "QRESYNC") && !select.qresync) {
      TRY_OK(in.space());
      TRY(select.qresync, parse_quick_resync(in));
    } else {
      return bad_word("SELECT parameter", word);
    }
    return {};
  };
  if (in.take(' ') && in.next_is('(')) TRY_OK(in.list(parameter));
  TRY_OK(in.end());
  return select;
}

// RFC 6154 §2 in its spelling; another attribute stays as it is, for NO [USEATTR].
Result<std::string> parse_use(Parser& in) {
  TRY_OK(in.expect('\\'));
  TRY(auto name, in.atom("special use"));
  for (std::string_view known :
       {"All", "Archive", "Drafts", "Flagged", "Important", "Junk", "Sent", "Trash"})
    if (ascii::equal_ignoring_case(name, known)) name = known;
  return "\\" + name;
}

struct StatusWord {
  std::string_view name;
  StatusItem item;
};
constexpr auto status_words = std::to_array<StatusWord>({
    {"MESSAGES", status_messages},
    {"UIDNEXT", status_uid_next},
    {"UIDVALIDITY", status_uid_validity},
    {"UNSEEN", status_unseen},
    {"DELETED", status_deleted},
    {"DELETED-STORAGE", status_deleted_storage},
    {"SIZE", status_size},
    {"RECENT", status_recent},
    {"HIGHESTMODSEQ", status_highest_mod_seq},
    {"MAILBOXID", status_mailbox_id},
    {"APPENDLIMIT", status_append_limit},
});

// RFC 5258 §3: selection options.
Result<> parse_list_selection(Parser& in, List& list) {
  auto option = [&]() -> Result<> {
    auto word = in.word();
    auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(word, name); };
    if (is("SUBSCRIBED"))
      list.select_subscribed = true;
    else if (is("SPECIAL-USE"))
      list.select_special_use = true;
    else if (is("RECURSIVEMATCH"))
      list.select_recursive_match = true;
    else if (!is("REMOTE"))  // we have no remote mailboxes that it could add
      return bad_word("LIST selection option", word);
    return {};
  };
  TRY_OK(in.list(option));
  if (list.select_recursive_match && !list.select_subscribed && !list.select_special_use)
    return malformed("RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it");
  return {};
}

// RFC 5258 §3, RFC 5819, RFC 6154: return options.
Result<> parse_list_return(Parser& in, List& list) {
  auto option = [&]() -> Result<> {
    auto word = in.word();
    auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(word, name); };
    if (is("SUBSCRIBED")) {
      list.return_subscribed = true;
    } else if (is("CHILDREN")) {
      list.return_children = true;
    } else if (is("SPECIAL-USE")) {
      list.return_special_use = true;
    } else if (is("STATUS")) {
      TRY_OK(in.space());
      TRY(list.return_status, status_items(in));
    } else {
      return bad_word("LIST return option", word);
    }
    return {};
  };
  return in.list(option);
}

Result<> parse_patterns(Parser& in, List& list) {
  auto pattern = [&]() -> Result<> {
    if (list.patterns.size() == max_list_patterns)
      return fail(Errc::over_limit, "too many mailbox patterns");
    TRY(auto one, in.list_mailbox());
    list.patterns.push_back(std::move(one));
    return {};
  };
  if (!in.next_is('(')) return pattern();
  list.extended = true;
  TRY_OK(in.list(pattern));
  if (list.patterns.empty()) return malformed("no mailbox patterns");
  return {};
}

}  // namespace

Result<Command> parse_select(Parser& in) {
  return parse_opening(in, false);
}

Result<Command> parse_examine(Parser& in) {
  return parse_opening(in, true);
}

// RFC 9051 §6.3.4, RFC 6154 §3.
Result<Command> parse_create(Parser& in) {
  Create create;
  TRY_OK(in.space());
  TRY(create.mailbox, in.mailbox());
  auto use = [&]() -> Result<> {
    if (create.uses.size() == max_flags) return fail(Errc::over_limit, "too many special uses");
    TRY(auto one, parse_use(in));
    create.uses.push_back(std::move(one));
    return {};
  };
  auto parameter = [&]() -> Result<> {
    auto word = in.word();
    if (!ascii::equal_ignoring_case(word, "USE")) return bad_word("CREATE parameter", word);
    TRY_OK(in.space());
    return in.list(use);
  };
  if (in.take(' ') && in.next_is('(')) TRY_OK(in.list(parameter));
  TRY_OK(in.end());
  return create;
}

Result<StatusItems> status_items(Parser& in) {
  StatusItems items = 0;
  auto item = [&]() -> Result<> {
    auto word = in.word();
    auto same = [&](const StatusWord& row) { return ascii::equal_ignoring_case(row.name, word); };
    auto found = std::ranges::find_if(status_words, same);
    if (found == status_words.end()) return bad_word("STATUS item", word);
    items |= found->item;
    return {};
  };
  TRY_OK(in.list(item));
  if (items == 0) return malformed("no STATUS items");
  return items;
}

Result<Command> parse_status(Parser& in) {
  Status status;
  TRY_OK(in.space());
  TRY(status.mailbox, in.mailbox());
  TRY_OK(in.space());
  TRY(status.items, status_items(in));
  TRY_OK(in.end());
  return status;
}

// RFC 9051 §6.3.9.
Result<Command> parse_list(Parser& in) {
  List list;
  TRY_OK(in.space());
  if (in.next_is('(')) {
    list.extended = true;
    TRY_OK(parse_list_selection(in, list));
    TRY_OK(in.space());
  }
  TRY(list.reference, in.list_mailbox());
  TRY_OK(in.space());
  TRY_OK(parse_patterns(in, list));
  if (in.take_text(" RETURN ")) {
    list.extended = true;
    TRY_OK(parse_list_return(in, list));
  }
  TRY_OK(in.end());
  return list;
}

// RFC 3501 §6.3.9.
Result<Command> parse_lsub(Parser& in) {
  Lsub lsub;
  TRY_OK(in.space());
  TRY(lsub.reference, in.list_mailbox());
  TRY_OK(in.space());
  TRY(lsub.pattern, in.list_mailbox());
  TRY_OK(in.end());
  return lsub;
}

}  // namespace todoke::imap
