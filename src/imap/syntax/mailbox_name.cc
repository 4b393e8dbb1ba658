#include "imap/syntax/mailbox_name.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <algorithm>
#include <vector>

namespace todoke::imap {
namespace {

constexpr std::string_view inbox = "INBOX";

bool begins_with_inbox(std::string_view name, char separator) {
  return ascii::starts_with_ignoring_case(name, inbox) &&
         (name.size() == inbox.size() || name[inbox.size()] == separator);
}

// The pattern with every run of wildcards as the one that means the same.  Then it has at most one
// more wildcard than other characters.
std::string simplify(std::string_view pattern) {
  std::string out;
  for (char c : pattern) {
    bool is_wildcard = c == '*' || c == '%';
    bool after_wildcard = !out.empty() && (out.back() == '*' || out.back() == '%');
    if (is_wildcard && after_wildcard)
      out.back() = c == '*' ? '*' : out.back();
    else
      out += c;
  }
  return out;
}

}  // namespace

std::optional<std::string> name_from_wire(std::string_view wire, NameForm form) {
  std::optional<std::string> name;
  if (form == NameForm::modified_utf7) name = from_modified_utf7(wire);
  if (!name && is_utf8(wire)) name = std::string(wire);
  if (name && begins_with_inbox(*name, '/')) name->replace(0, inbox.size(), inbox);
  return name;
}

std::string name_to_wire(std::string_view utf8, NameForm form) {
  return form == NameForm::utf8 ? std::string(utf8) : to_modified_utf7(utf8);
}

// reached[i]: the pattern so far can stand for the first i bytes of the name.
bool matches_pattern(std::string_view name, std::string_view pattern, char separator) {
  auto simple = simplify(pattern);
  auto wildcards = std::ranges::count(simple, '*') + std::ranges::count(simple, '%');
  if (simple.size() - static_cast<std::size_t>(wildcards) > name.size()) return false;
  bool any_case = begins_with_inbox(name, separator);
  auto same = [&](std::size_t i, char c) {
    if (any_case && i < inbox.size()) return ascii::lower(name[i]) == ascii::lower(c);
    return name[i] == c;
  };
  std::vector<char> reached(name.size() + 1, 0);
  reached[0] = 1;
  std::size_t lowest = 0;  // the first that is reached
  for (char c : simple) {
    if (c == '*') {
      std::fill(reached.begin() + static_cast<std::ptrdiff_t>(lowest), reached.end(), char{1});
    } else if (c == '%') {
      for (auto i = lowest; i < name.size(); ++i)
        if (reached[i] != 0 && name[i] != separator) reached[i + 1] = 1;
    } else {
      for (auto i = name.size(); i > lowest; --i)
        reached[i] = reached[i - 1] != 0 && same(i - 1, c) ? 1 : 0;
      reached[lowest] = 0;
      while (lowest <= name.size() && reached[lowest] == 0) ++lowest;
      if (lowest > name.size()) return false;
    }
  }
  return reached[name.size()] != 0;
}

}  // namespace todoke::imap
