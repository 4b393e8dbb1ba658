#include "base/ascii.h"
#include "imap/syntax/parser.h"
#include "imap/syntax/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

// FETCH: RFC 9051 §6.4.5, RFC 3516, RFC 7162, RFC 8474, RFC 8514, RFC 8970.
namespace todoke::imap {
namespace {

using Kind = FetchItem::Kind;
using What = Section::What;

// Items that are one word.
struct PlainItem {
  std::string_view name;
  Kind kind;
  What what = What::everything;
  bool peek = true;
};
constexpr auto plain_items = std::to_array<PlainItem>({
    {"UID", Kind::uid},
    {"FLAGS", Kind::flags},
    {"INTERNALDATE", Kind::internal_date},
    {"RFC822.SIZE", Kind::rfc822_size},
    {"ENVELOPE", Kind::envelope},
    {"BODY", Kind::body},
    {"BODYSTRUCTURE", Kind::body_structure},
    {"MODSEQ", Kind::mod_seq},
    {"SAVEDATE", Kind::save_date},
    {"EMAILID", Kind::email_id},
    {"THREADID", Kind::thread_id},
    {"PREVIEW", Kind::preview},
    {"RFC822", Kind::section, What::everything, false},
    {"RFC822.HEADER", Kind::section, What::header},
    {"RFC822.TEXT", Kind::section, What::text, false},
});

// Items that name a section; `answer` is how the answer calls them.
struct SectionItem {
  std::string_view name;
  std::string_view answer;
  Kind kind;
  bool peek;
};
constexpr auto section_items = std::to_array<SectionItem>({
    {"BODY", "BODY", Kind::section, false},
    {"BODY.PEEK", "BODY", Kind::section, true},
    {"BINARY", "BINARY", Kind::binary, false},
    {"BINARY.PEEK", "BINARY", Kind::binary, true},
    {"BINARY.SIZE", "BINARY.SIZE", Kind::binary_size, true},
});

template <class Table>
auto find(const Table& table, std::string_view word) {
  return std::ranges::find_if(
      table, [&](const auto& row) { return ascii::equal_ignoring_case(row.name, word); });
}

// "1.2.3", and a "." behind it that introduces the text of the section.
Result<> parse_part(Parser& in, Section& section, bool& text_follows) {
  text_follows = true;
  while (in.next_is_digit()) {
    if (section.part.size() == max_part_depth)
      return fail(Errc::over_limit, "the part number has too many levels");
    TRY(auto number, in.nz_number("part number"));
    section.part.push_back(number);
    text_follows = in.take('.');
    if (!text_follows) break;
  }
  return {};
}

Result<> parse_header_names(Parser& in, Section& section) {
  TRY_OK(in.space());
  auto field = [&]() -> Result<> {
    if (section.fields.size() == max_header_fields)
      return fail(Errc::over_limit, "too many header fields in one section");
    TRY(auto name, in.astring("header field"));
    auto odd = [](char c) { return ascii::is_control(c) || ascii::is_8bit(c); };
    if (name.empty() || std::ranges::any_of(name, odd)) return malformed("bad header field");
    section.fields.push_back(std::move(name));
    return {};
  };
  TRY_OK(in.list(field));
  if (section.fields.empty()) return malformed("no header fields are named");
  return {};
}

// What stands between "[" and "]", behind the part.
Result<> parse_section_text(Parser& in, Section& section) {
  auto word = in.word();
  auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(word, name); };
  if (is("HEADER")) {
    section.what = What::header;
  } else if (is("TEXT")) {
    section.what = What::text;
  } else if (is("MIME") && !section.part.empty()) {
    section.what = What::mime;
  } else if (is("HEADER.FIELDS") || is("HEADER.FIELDS.NOT")) {
    section.what = is("HEADER.FIELDS") ? What::header_fields : What::header_fields_not;
    return parse_header_names(in, section);
  } else {
    return bad_word("section", word);
  }
  return {};
}

Result<Section> parse_section(Parser& in, Kind kind) {
  Section section;
  TRY_OK(in.expect('['));
  bool text_follows = true;
  TRY_OK(parse_part(in, section, text_follows));
  if (section.part.empty()) text_follows = !in.next_is(']');
  // RFC 3516 §4.2: BINARY knows parts only.
  if (text_follows && kind != Kind::section) return malformed("BINARY takes a part number only");
  if (text_follows) TRY_OK(parse_section_text(in, section));
  TRY_OK(in.expect(']'));
  return section;
}

Result<FetchItem::Partial> parse_partial(Parser& in) {
  constexpr std::uint64_t max = std::numeric_limits<std::int64_t>::max();
  TRY_OK(in.expect('<'));
  TRY(auto offset, in.number("offset", max));
  TRY_OK(in.expect('.'));
  TRY(auto length, in.number("length", max));
  TRY_OK(in.expect('>'));
  if (length == 0) return malformed("the length of a partial fetch is 0");
  return FetchItem::Partial{offset, length};
}

std::string section_name(const Section& section) {
  std::string name = fmt::format("{}", fmt::join(section.part, "."));
  if (section.what == What::everything) return name;
  if (!name.empty()) name += '.';
  if (section.what == What::header) return name + "HEADER";
  if (section.what == What::text) return name + "TEXT";
  if (section.what == What::mime) return name + "MIME";
  name += section.what == What::header_fields ? "HEADER.FIELDS (" : "HEADER.FIELDS.NOT (";
  for (const auto& field : section.fields) {
    write_astring(name, field);
    name += ' ';
  }
  name.back() = ')';
  return name;
}

Result<FetchItem> parse_section_item(Parser& in, std::string_view word) {
  auto row = find(section_items, word);
  if (row == section_items.end()) return bad_word("FETCH item", word);
  FetchItem item{.kind = row->kind, .peek = row->peek};
  TRY(item.section, parse_section(in, item.kind));
  item.name = fmt::format("{}[{}]", row->answer, section_name(item.section));
  if (in.next_is('<') && item.kind != Kind::binary_size) {
    TRY(item.partial, parse_partial(in));
    item.name += fmt::format("<{}>", item.partial->offset);
  }
  return item;
}

FetchItem plain_item(const PlainItem& row) {
  FetchItem item{.kind = row.kind, .peek = row.peek, .name = std::string(row.name)};
  item.section.what = row.what;
  return item;
}

Result<FetchItem> parse_item(Parser& in) {
  auto word = in.word();
  if (in.next_is('[')) return parse_section_item(in, word);
  auto row = find(plain_items, word);
  if (row == plain_items.end()) return bad_word("FETCH item", word);
  auto item = plain_item(*row);
  // RFC 8970 §3.1.  The parenthesis might also be the one of CHANGEDSINCE.
  if (item.kind == Kind::preview) item.lazy = in.take_text(" (LAZY)");
  return item;
}

// An item that is asked for twice is answered once.
Result<> add(std::vector<FetchItem>& items, FetchItem item) {
  auto same = [&](const FetchItem& other) {
    return other.name == item.name && other.partial == item.partial;
  };
  if (auto found = std::ranges::find_if(items, same); found != items.end()) {
    found->peek = found->peek && item.peek;
    found->lazy = found->lazy && item.lazy;
    return {};
  }
  if (items.size() == max_fetch_items) return fail(Errc::over_limit, "too many FETCH items");
  items.push_back(std::move(item));
  return {};
}

// Macros stand alone, outside of parentheses.
bool add_macro(Parser& in, std::vector<FetchItem>& items) {
  auto word = Parser(in.rest()).word();
  auto is = [&](std::string_view name) { return ascii::equal_ignoring_case(word, name); };
  if (!is("ALL") && !is("FAST") && !is("FULL")) return false;
  auto put = [&](std::string_view name) { items.push_back(plain_item(*find(plain_items, name))); };
  for (auto name : {"FLAGS", "INTERNALDATE", "RFC822.SIZE"}) put(name);
  if (!is("FAST")) put("ENVELOPE");
  if (is("FULL")) put("BODY");
  in.word();
  return true;
}

Result<> parse_items(Parser& in, std::vector<FetchItem>& items) {
  auto one = [&]() -> Result<> {
    TRY(auto item, parse_item(in));
    return add(items, std::move(item));
  };
  if (add_macro(in, items)) return {};
  if (!in.next_is('(')) return one();
  TRY_OK(in.list(one));
  if (items.empty()) return malformed("no FETCH items");
  return {};
}

Result<> parse_modifiers(Parser& in, Fetch& fetch) {
  auto one = [&]() -> Result<> {
    auto word = in.word();
    if (ascii::equal_ignoring_case(word, "VANISHED")) {
      fetch.vanished = true;
    } else if (ascii::equal_ignoring_case(word, "CHANGEDSINCE")) {
      TRY_OK(in.space());
      TRY(fetch.changed_since, in.mod_seq());
    } else {
      return bad_word("FETCH modifier", word);
    }
    return {};
  };
  TRY_OK(in.list(one));
  // RFC 7162 §3.2.6.
  if (fetch.vanished && (!fetch.changed_since || fetch.numbers != Numbers::uid))
    return malformed("VANISHED is for UID FETCH with CHANGEDSINCE");
  return {};
}

}  // namespace

Result<Command> parse_fetch(Parser& in, Numbers numbers) {
  Fetch fetch{.numbers = numbers};
  TRY_OK(in.space());
  TRY(fetch.set, in.sequence_set());
  TRY_OK(in.space());
  TRY_OK(parse_items(in, fetch.items));
  if (in.take(' ') && in.next_is('(')) TRY_OK(parse_modifiers(in, fetch));
  TRY_OK(in.end());
  return fetch;
}

}  // namespace todoke::imap
