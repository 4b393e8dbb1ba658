#include "mime/address.h"

#include "base/ascii.h"
#include "base/cursor.h"
#include "mime/charset.h"
#include "mime/encoded_word.h"
#include "mime/header.h"

#include <algorithm>
#include <optional>

namespace todoke::mime {
namespace {

// An address as it grows: text, and where its last unquoted `@` stands.
struct Spec {
  std::string text;
  std::size_t at = std::string::npos;

  bool has_at() const { return at != std::string::npos; }
  bool open() const { return text.ends_with('.') || text.ends_with('@'); }
  void add(std::string_view more, bool quoted) {
    auto found = quoted ? std::string_view::npos : more.rfind('@');
    if (found != std::string_view::npos) at = text.size() + found;
    text += more;
  }
  void move_into(Address& address) && {
    if (!has_at()) {
      address.local = std::move(text);
      return;
    }
    address.domain = text.substr(at + 1);
    text.resize(at);
    address.local = std::move(text);
  }
};

class AddressParser {
 public:
  AddressParser(std::string_view text, std::size_t limit) : cursor_(text), limit_(limit) {}

  ParsedAddresses run() && {
    while (!result_.truncated) {
      skip_gap();
      if (cursor_.at_end()) break;
      if (cursor_.take(',') || cursor_.take('>')) continue;
      if (cursor_.take(';')) {
        end_group();
      } else {
        parse_entry();
      }
    }
    end_group();
    return std::move(result_);
  }

 private:
  // Answers whether it fitted.  Within a group one place is kept for its end, so that a truncated
  // list is still well-formed.
  bool push(Address address) {
    bool needs_end = in_group_ || address.kind == Address::Kind::group_start;
    if (result_.addresses.size() + 1 + (needs_end ? 1 : 0) > limit_) {
      result_.truncated = true;
      return false;
    }
    result_.addresses.push_back(std::move(address));
    return true;
  }
  void end_group() {
    if (!in_group_) return;
    in_group_ = false;
    push({Address::Kind::group_end, {}, {}, {}, {}});
  }

  // What stands between two delimiters: a mailbox, or the name that begins a group.
  void parse_entry() {
    phrase_.clear();
    spec_ = {};
    spec_begin_ = 0;
    trailing_ = std::string::npos;
    std::string comment;
    bool gap = false;
    while (!cursor_.at_end()) {
      char c = cursor_.peek();
      if (c == ',' || c == ';') break;
      if (ascii::is_space(c)) {
        cursor_.skip_spaces();
        gap = true;
      } else if (auto found = take_comment()) {
        comment = *found;
        gap = true;
      } else if (cursor_.take('<')) {
        return push_angle(std::move(comment));
      } else if (cursor_.take('>')) {
        break;
      } else if (c == ':' && !in_group_ && !spec_.has_at()) {
        cursor_.take(':');
        in_group_ = push({Address::Kind::group_start, std::move(phrase_), {}, {}, {}});
        return;
      } else if (auto quoted = take_quoted()) {
        add_word(*quoted, true, gap);
        gap = false;
      } else {
        add_word(take_atoms(), false, gap);
        gap = false;
      }
    }
    push_bare(std::move(comment));
  }

  // A word may belong to the name or to the address; we know when the entry ends.  Until then the
  // whole phrase is kept, and where in it the address would begin.
  void add_word(std::string_view word, bool quoted, bool gap) {
    bool joins = spec_.open() || (!quoted && (word.starts_with('.') || word.starts_with('@')));
    if (gap && !phrase_.empty()) phrase_ += ' ';
    if (gap && !spec_.text.empty() && !joins) {
      if (spec_.has_at()) {
        trailing_ = std::min(trailing_, phrase_.size());
      } else {
        spec_ = {};
        spec_begin_ = phrase_.size();
      }
    }
    if (trailing_ == std::string::npos) spec_.add(word, quoted);
    phrase_ += word;
  }

  void push_bare(std::string comment) {
    Address address;
    if (phrase_.empty()) return;
    auto before = ascii::trim(std::string_view(phrase_).substr(0, spec_begin_));
    if (!spec_.has_at() && before.empty()) spec_.at = spec_.text.rfind('@');  // all in quotes
    if (!spec_.has_at() && !before.empty()) {
      address.name = phrase_;
    } else {
      address.name = before;
      if (trailing_ != std::string::npos) {
        if (!address.name.empty()) address.name += ' ';
        address.name += phrase_.substr(trailing_);
      }
      std::move(spec_).move_into(address);
    }
    if (address.name.empty()) address.name = std::move(comment);
    push(std::move(address));
  }

  void push_angle(std::string comment) {
    Address address;
    address.name = std::move(phrase_);
    parse_angle(address);
    cursor_.skip_spaces();
    if (auto found = take_comment()) comment = *found;
    if (address.name.empty()) address.name = std::move(comment);
    push(std::move(address));
  }

  // RFC 5322 §3.4 angle-addr with §4.4 obs-route; the `<` is taken already.
  void parse_angle(Address& address) {
    Spec spec;
    while (!cursor_.at_end() && !cursor_.take('>')) {
      char c = cursor_.peek();
      bool in_route = address.route.empty() && spec.text.starts_with('@');
      if (ascii::is_space(c)) {
        cursor_.skip_spaces();
      } else if (take_comment()) {
        continue;
      } else if (c == ';' || (c == ',' && !in_route)) {
        break;  // the `>` is missing
      } else if (c == ':' && in_route) {
        cursor_.take(':');
        address.route = std::move(spec.text);
        spec = {};
      } else if (cursor_.take('<')) {
        continue;
      } else if (auto quoted = take_quoted()) {
        spec.add(*quoted, true);
      } else {
        spec.add(take_atoms(), false);
      }
    }
    std::move(spec).move_into(address);
  }

  void skip_gap() {
    do {
      cursor_.skip_spaces();
    } while (take_comment());
  }

  // A comment with its nested ones (RFC 5322 §3.2.2), without the outer parentheses.  If one is
  // never closed, no later one is either: from then on parentheses are ordinary text.
  std::optional<std::string> take_comment() {
    if (comments_broken_ || cursor_.peek() != '(') return {};
    Cursor ahead = cursor_;
    std::string text;
    int depth = 0;
    do {
      char c = ahead.peek();
      if (c == '\\') {
        ahead.take_bytes(1);
      } else if (c == '(') {
        ++depth;
      } else if (c == ')') {
        --depth;
      }
      text += ahead.take_bytes(1);
    } while (depth > 0 && !ahead.at_end());
    if (depth > 0) {
      comments_broken_ = true;
      return {};
    }
    cursor_ = ahead;
    return std::string(ascii::trim(std::string_view(text).substr(1, text.size() - 2)));
  }

  // RFC 5322 §3.2.4; the same rule when one is never closed.
  std::optional<std::string> take_quoted() {
    if (quotes_broken_ || cursor_.peek() != '"') return {};
    Cursor ahead = cursor_;
    ahead.take('"');
    std::string text;
    while (!ahead.take('"')) {
      if (ahead.at_end()) {
        quotes_broken_ = true;
        return {};
      }
      ahead.take('\\');
      text += ahead.take_bytes(1);
    }
    cursor_ = ahead;
    return text;
  }

  // Everything up to a character that means something; at least one byte.
  std::string_view take_atoms() {
    std::string_view rest = cursor_.rest();
    if (rest.starts_with('[')) {
      auto end = rest.find_first_of("],;<>");
      auto size = end == std::string_view::npos ? rest.size() : end + (rest[end] == ']' ? 1 : 0);
      return cursor_.take_bytes(size);
    }
    std::size_t size = 1;
    while (size < rest.size() && !is_special(rest[size])) ++size;
    return cursor_.take_bytes(size);
  }
  bool is_special(char c) const {
    if (c == '"') return !quotes_broken_;
    if (c == '(') return !comments_broken_;
    return std::string_view(" \t,;:<>[").contains(c);
  }

  Cursor cursor_;
  std::size_t limit_;
  ParsedAddresses result_;
  bool in_group_ = false;
  bool comments_broken_ = false;
  bool quotes_broken_ = false;
  std::string phrase_;
  Spec spec_;
  std::size_t spec_begin_ = 0;
  std::size_t trailing_ = std::string::npos;  // where in the phrase words behind the address begin
};

bool is_atext(char c) {
  return ascii::is_alnum(c) || ascii::is_8bit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

bool is_dot_atom(std::string_view text) {
  bool after_dot = true;
  for (char c : text) {
    if (c == '.' ? after_dot : !is_atext(c)) return false;
    after_dot = c == '.';
  }
  return !after_dot;
}

}  // namespace

ParsedAddresses parse_addresses(std::string_view raw_value, std::size_t limit) {
  auto text = header_to_utf8(unfold(raw_value));
  return AddressParser(text, limit).run();
}

std::string display_name(const Address& address) {
  return decode_words(address.name);
}

std::string addr_spec(const Address& address) {
  std::string out;
  if (is_dot_atom(address.local)) {
    out = address.local;
  } else {
    out = '"';
    for (char c : address.local) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  if (!address.domain.empty()) out += "@" + address.domain;
  return out;
}

}  // namespace todoke::mime
