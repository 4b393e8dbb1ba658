#include "smtp/syntax/path.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace todoke::smtp {
namespace {

// RFC 5322 §3.2.3 atext, and any byte beyond ASCII: RFC 6531 §3.3 widens it by UTF8-non-ascii,
// whose well-formedness is checked at the end.
constexpr auto atext = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = i >= 128 || ascii::is_alnum(static_cast<char>(i)) ||
               std::string_view("!#$%&'*+-/=?^_`{|}~").contains(static_cast<char>(i));
  table[0] = false;
  return table;
}();

bool is_atext(char c) {
  return atext[static_cast<unsigned char>(c)];
}

bool is_atext_or_dot(char c) {
  return is_atext(c) || c == '.';
}

bool is_dot_string(std::string_view local) {
  return !local.empty() && std::ranges::all_of(local, is_atext_or_dot) && local.front() != '.' &&
         local.back() != '.' && !local.contains("..");
}

// Well-formed UTF-8 without C0, DEL and C1 (U+0080 to U+009F) controls.
bool is_clean(std::string_view text) {
  while (!text.empty()) {
    auto length = utf8_sequence(text);
    if (length == 0 || ascii::is_control(text.front())) return false;
    if (length == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0)
      return false;
    text.remove_prefix(length);
  }
  return true;
}

// RFC 5321 §4.1.2 Quoted-string, behind its opening quote.
Result<std::string> take_quoted(Cursor& cursor) {
  std::string local;
  while (!cursor.take('"')) {
    cursor.take('\\');
    if (cursor.at_end()) return fail(Errc::invalid, "The quoted local part has no end");
    if (local.size() == max_local_part) return fail(Errc::over_limit, "The local part is too long");
    local += cursor.take_bytes(1);
  }
  return local;
}

Result<std::string> take_local_part(Cursor& cursor) {
  if (cursor.take('"')) return take_quoted(cursor);
  auto local = cursor.take_while(is_atext_or_dot);
  if (local.empty()) return fail(Errc::invalid, "The local part is missing or needs quotes");
  if (local.size() > max_local_part) return fail(Errc::over_limit, "The local part is too long");
  return std::string(local);
}

bool is_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  // The limit of 63 (RFC 1035 §2.3.4) is about A-labels; what a U-label becomes, IDNA knows.
  return label.size() <= 63 || !is_ascii(label);
}

// RFC 5321 §4.1.3, without general address literals, of which none was ever registered.
bool is_address_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  auto address = text.substr(1, text.size() - 2);
  int family = AF_INET;
  if (ascii::starts_with_ignoring_case(address, "IPv6:")) {
    family = AF_INET6;
    address.remove_prefix(5);
  }
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (address.size() >= terminated.size() || address.contains('\0')) return false;
  std::ranges::copy(address, terminated.begin());
  std::array<char, sizeof(in6_addr)> binary;
  return inet_pton(family, terminated.data(), binary.data()) == 1;
}

// deviation: RFC 5321 §4.1.2 — the underscore is taken, for some hosts have it in their names.
bool is_domain_byte(char c) {
  return ascii::is_alnum(c) || c == '-' || c == '.' || c == '_' || ascii::is_8bit(c);
}

Result<std::string> take_domain(Cursor& cursor) {
  auto before = cursor.rest();
  if (cursor.peek() == '[') {
    cursor.take_until("]");
    cursor.take(']');
  } else {
    cursor.take_while(is_domain_byte);
  }
  auto domain = before.substr(0, before.size() - cursor.rest().size());
  if (domain.size() > max_domain) return fail(Errc::over_limit, "The domain is too long");
  if (!is_domain(domain)) return fail(Errc::invalid, "The domain is not well formed");
  return std::string(domain);
}

// RFC 5321 §4.1.2 A-d-l: accepted and ignored, as §3.3 and appendix C ask.
Result<> skip_source_route(Cursor& cursor) {
  if (cursor.peek() != '@') return {};
  do {
    if (!cursor.take('@')) return fail(Errc::invalid, "The source route is not well formed");
    TRY_OK(take_domain(cursor));
  } while (cursor.take(','));
  if (!cursor.take(':')) return fail(Errc::invalid, "The source route is not well formed");
  return {};
}

enum class BarePostmaster { refused, allowed };

Result<Path> take_mailbox(Cursor& cursor, BarePostmaster bare) {
  Path path;
  TRY(path.local, take_local_part(cursor));
  bool is_bare = bare == BarePostmaster::allowed &&
                 ascii::equal_ignoring_case(path.local, "postmaster") && cursor.peek() != '@';
  if (is_bare) return path;
  if (!is_clean(path.local))
    return fail(Errc::invalid, "The local part has control characters or is not UTF-8");
  if (!cursor.take('@')) return fail(Errc::invalid, "The address has no domain");
  TRY(path.domain, take_domain(cursor));
  // Two brackets and the sign; the quotes that to_text may add are not counted.
  if (path.local.size() + path.domain.size() + 3 > max_path)
    return fail(Errc::over_limit, "The address is too long");
  return path;
}

Result<Path> take_path(Cursor& cursor, BarePostmaster bare) {
  cursor.skip_spaces();
  if (!cursor.take('<')) return take_mailbox(cursor, bare);
  TRY_OK(skip_source_route(cursor));
  TRY(auto path, take_mailbox(cursor, bare));
  if (!cursor.take('>')) return fail(Errc::invalid, "The address does not end with >");
  return path;
}

}  // namespace

Result<Path> take_reverse_path(Cursor& cursor) {
  cursor.skip_spaces();
  if (cursor.take_word("<>")) return Path{};
  return take_path(cursor, BarePostmaster::refused);
}

Result<Path> take_forward_path(Cursor& cursor) {
  return take_path(cursor, BarePostmaster::allowed);
}

Result<Path> parse_address(std::string_view text) {
  Cursor cursor(text);
  TRY(auto path, take_mailbox(cursor, BarePostmaster::refused));
  if (!cursor.at_end()) return fail(Errc::invalid, "There is something behind the address");
  return path;
}

bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > max_domain) return false;
  if (text.front() == '[') return is_address_literal(text);
  if (!std::ranges::all_of(text, is_domain_byte) || !is_clean(text)) return false;
  while (true) {
    auto label = text.substr(0, text.find('.'));
    if (!is_label(label)) return false;
    if (label.size() == text.size()) return true;
    text.remove_prefix(label.size() + 1);
  }
}

bool needs_quoting(const Path& path) {
  return !path.is_null() && !is_dot_string(path.local);
}

bool needs_utf8(const Path& path) {
  return !is_ascii(path.local) || !is_ascii(path.domain);
}

// Even a Path that someone made without our parsers cannot carry a line end into a protocol or a
// header (rule R11): a control character becomes a question mark.
std::string to_text(const Path& path, Dots dots) {
  std::string out;
  out.reserve(path.local.size() + path.domain.size() + 3);
  auto put = [&out](char c) { out += ascii::is_control(c) ? '?' : c; };
  bool bare = dots == Dots::as_used
                  ? !path.local.empty() && std::ranges::all_of(path.local, is_atext_or_dot)
                  : is_dot_string(path.local);
  if (path.is_null()) return out;
  if (bare) {
    out += path.local;
  } else {
    out += '"';
    for (char c : path.local) {
      if (c == '"' || c == '\\') out += '\\';
      put(c);
    }
    out += '"';
  }
  if (path.domain.empty()) return out;
  out += '@';
  for (char c : path.domain) put(c);
  return out;
}

}  // namespace todoke::smtp
