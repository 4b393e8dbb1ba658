#include "base/ascii.h"
#include "imap/syntax/charset.h"
#include "imap/syntax/parser.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

// SEARCH: RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 5032, RFC 7162 §3.1.5, RFC 8474 §5.3,
// RFC 8514 §4.3.
namespace todoke::imap {
namespace {

using Kind = SearchKey::Kind;

// What follows the name of a key.
enum class Takes {
  nothing,
  text,
  header,
  keyword,
  date,
  size,
  seconds,
  mod_seq,
  id,
  uids,
  key,
  keys
};

struct KeyForm {
  std::string_view name;
  Kind kind;
  Takes takes = Takes::nothing;
  std::string_view detail = "";  // the flag or the header field
  bool negated = false;
};
constexpr auto key_forms = std::to_array<KeyForm>({
    {"ALL", Kind::all},
    {"ANSWERED", Kind::flag, Takes::nothing, "\\Answered"},
    {"DELETED", Kind::flag, Takes::nothing, "\\Deleted"},
    {"DRAFT", Kind::flag, Takes::nothing, "\\Draft"},
    {"FLAGGED", Kind::flag, Takes::nothing, "\\Flagged"},
    {"SEEN", Kind::flag, Takes::nothing, "\\Seen"},
    {"UNANSWERED", Kind::flag, Takes::nothing, "\\Answered", true},
    {"UNDELETED", Kind::flag, Takes::nothing, "\\Deleted", true},
    {"UNDRAFT", Kind::flag, Takes::nothing, "\\Draft", true},
    {"UNFLAGGED", Kind::flag, Takes::nothing, "\\Flagged", true},
    {"UNSEEN", Kind::flag, Takes::nothing, "\\Seen", true},
    {"KEYWORD", Kind::flag, Takes::keyword},
    {"UNKEYWORD", Kind::flag, Takes::keyword, "", true},
    {"NEW", Kind::none},
    {"OLD", Kind::all},
    {"RECENT", Kind::none},
    {"BCC", Kind::header, Takes::text, "bcc"},
    {"CC", Kind::header, Takes::text, "cc"},
    {"FROM", Kind::header, Takes::text, "from"},
    {"SUBJECT", Kind::header, Takes::text, "subject"},
    {"TO", Kind::header, Takes::text, "to"},
    {"HEADER", Kind::header, Takes::header},
    {"BODY", Kind::body, Takes::text},
    {"TEXT", Kind::text, Takes::text},
    {"BEFORE", Kind::before, Takes::date},
    {"ON", Kind::on, Takes::date},
    {"SINCE", Kind::since, Takes::date},
    {"SENTBEFORE", Kind::sent_before, Takes::date},
    {"SENTON", Kind::sent_on, Takes::date},
    {"SENTSINCE", Kind::sent_since, Takes::date},
    {"SAVEDBEFORE", Kind::saved_before, Takes::date},
    {"SAVEDON", Kind::saved_on, Takes::date},
    {"SAVEDSINCE", Kind::saved_since, Takes::date},
    {"SAVEDATESUPPORTED", Kind::save_date_supported},
    {"OLDER", Kind::older, Takes::seconds},
    {"YOUNGER", Kind::younger, Takes::seconds},
    {"LARGER", Kind::larger, Takes::size},
    {"SMALLER", Kind::smaller, Takes::size},
    {"MODSEQ", Kind::mod_seq, Takes::mod_seq},
    {"EMAILID", Kind::email_id, Takes::id},
    {"THREADID", Kind::thread_id, Takes::id},
    {"UID", Kind::uid, Takes::uids},
    {"NOT", Kind::negated, Takes::key},
    {"OR", Kind::either, Takes::keys},
});

class SearchParser {
 public:
  SearchParser(Parser& in, SearchCharset charset) : in_(in), charset_(std::move(charset)) {}

  // Keys up to the end of the command.
  Result<SearchKey> program() {
    SearchKey all;
    all.kind = Kind::both;
    TRY_OK(charge());
    do {
      TRY(auto key, one(1));
      all.children.push_back(std::move(key));
    } while (in_.take(' ') && !in_.at_end() && !in_.next_is(' '));
    TRY_OK(in_.end());
    return all;
  }

 private:
  Result<> charge() {
    if (++keys_ > max_search_keys) return fail(Errc::over_limit, "too many search keys");
    return {};
  }

  Result<SearchKey> one(std::size_t depth) {
    if (depth > max_search_depth) return fail(Errc::over_limit, "search keys are nested too deep");
    TRY_OK(charge());
    if (in_.next_is('(')) return in_parentheses(depth);
    SearchKey key;
    if (in_.next_is_digit() || in_.next_is('*') || in_.next_is('$')) {
      key.kind = Kind::sequence;
      TRY(key.set, in_.sequence_set());
      return key;
    }
    auto word = in_.word();
    auto same = [&](const KeyForm& row) { return ascii::equal_ignoring_case(row.name, word); };
    auto form = std::ranges::find_if(key_forms, same);
    if (form == key_forms.end()) return bad_word("search key", word);
    return named(*form, depth);
  }

  Result<SearchKey> in_parentheses(std::size_t depth) {
    SearchKey key;
    key.kind = Kind::both;
    auto child = [&]() -> Result<> {
      TRY(auto inner, one(depth + 1));
      key.children.push_back(std::move(inner));
      return {};
    };
    TRY_OK(in_.list(child));
    if (key.children.empty()) return malformed("empty parentheses in a search");
    return key;
  }

  Result<SearchKey> named(const KeyForm& form, std::size_t depth) {
    SearchKey key;
    key.kind = form.kind;
    if (form.kind == Kind::header)
      key.field = form.detail;
    else
      key.text = form.detail;
    if (form.takes != Takes::nothing) TRY_OK(argument(form.takes, key, depth));
    if (!form.negated) return key;
    TRY_OK(charge());
    SearchKey negation;
    negation.kind = Kind::negated;
    negation.children.push_back(std::move(key));
    return negation;
  }

  Result<> argument(Takes takes, SearchKey& key, std::size_t depth) {
    constexpr std::uint64_t max = std::numeric_limits<std::int64_t>::max();
    TRY_OK(in_.space());
    switch (takes) {
      case Takes::nothing:
        break;
      case Takes::header:
        TRY_OK(header_field(key));
        [[fallthrough]];
      case Takes::text:
        return text(key);
      case Takes::keyword: {
        TRY(key.text, in_.flag());
        break;
      }
      case Takes::date: {
        TRY(key.date, in_.date());
        break;
      }
      case Takes::size: {
        TRY(key.number, in_.number("size", max));
        break;
      }
      case Takes::seconds: {
        TRY(key.number, in_.nz_number("number of seconds"));
        break;
      }
      case Takes::mod_seq:
        return mod_seq(key);
      case Takes::id: {
        TRY(key.text, in_.astring("object id"));
        break;
      }
      case Takes::uids: {
        TRY(key.set, in_.sequence_set());
        break;
      }
      case Takes::keys:
        TRY_OK(child(key, depth));
        TRY_OK(in_.space());
        [[fallthrough]];
      case Takes::key:
        return child(key, depth);
    }
    return {};
  }

  Result<> child(SearchKey& key, std::size_t depth) {
    TRY(auto inner, one(depth + 1));
    key.children.push_back(std::move(inner));
    return {};
  }

  Result<> text(SearchKey& key) {
    TRY(auto bytes, in_.astring("search text"));
    TRY(key.text, charset_.to_utf8(std::move(bytes)));
    return {};
  }

  Result<> header_field(SearchKey& key) {
    TRY(auto field, in_.astring("header field"));
    auto odd = [](char c) { return ascii::is_control(c) || ascii::is_8bit(c); };
    if (field.empty() || std::ranges::any_of(field, odd)) return malformed("bad header field");
    key.field = ascii::to_lower(field);
    return in_.space();
  }

  // RFC 7162 §3.1.5: an entry name and its type may stand before the number.  We keep one
  // mod-sequence for all metadata of a message, as the RFC lets us, so they choose nothing.
  Result<> mod_seq(SearchKey& key) {
    if (in_.next_is('"')) {
      TRY_OK(in_.string("entry name"));
      TRY_OK(in_.space());
      auto type = in_.word();
      auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(type, name); };
      if (!is("priv") && !is("shared") && !is("all")) return bad_word("entry type", type);
      TRY_OK(in_.space());
    }
    TRY(key.number, in_.mod_seq());
    return {};
  }

  Parser& in_;
  SearchCharset charset_;
  std::size_t keys_ = 0;
};

// RFC 9051 §6.4.4: RETURN () means RETURN (ALL).
Result<> parse_return_options(Parser& in, Search& search) {
  auto option = [&]() -> Result<> {
    auto word = in.word();
    auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(word, name); };
    if (is("MIN"))
      search.min = true;
    else if (is("MAX"))
      search.max = true;
    else if (is("ALL"))
      search.all = true;
    else if (is("COUNT"))
      search.count = true;
    else if (is("SAVE"))
      search.save = true;
    else
      return bad_word("SEARCH return option", word);
    return {};
  };
  search.extended = true;
  TRY_OK(in.list(option));
  if (!search.min && !search.max && !search.count && !search.save) search.all = true;
  return in.space();
}

}  // namespace

Result<Command> parse_search(Parser& in, Numbers numbers) {
  Search search{.numbers = numbers};
  TRY_OK(in.space());
  if (in.take_text("RETURN ")) TRY_OK(parse_return_options(in, search));
  SearchCharset charset;
  if (in.take_text("CHARSET ")) {
    TRY(auto name, in.astring("charset"));
    auto opened = SearchCharset::open(name);
    if (!opened) {
      search.unknown_charset = true;
      in.skip_rest();
      return search;
    }
    charset = *std::move(opened);
    TRY_OK(in.space());
  }
  TRY(search.key, SearchParser(in, std::move(charset)).program());
  return search;
}

}  // namespace todoke::imap
