#pragma once

#include "mime/limits.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Address lists (RFC 5322 §3.4, obsolete forms of §4.4, UTF-8 of RFC 6532).
namespace todoke::mime {

// One entry of a list.  Groups are flat, as IMAP sends them: a group_start that carries the group's
// name, its members, a group_end (RFC 9051 §7.5.2).
struct Address {
  enum class Kind { mailbox, group_start, group_end };
  Kind kind = Kind::mailbox;
  std::string name;    // display name, unquoted; encoded words are left as they are
  std::string route;   // obsolete source route without its colon ("@a,@b")
  std::string local;   // local part, unquoted; empty if the address has none
  std::string domain;  // empty if the address has none

  friend bool operator==(const Address&, const Address&) = default;
};

using AddressList = std::vector<Address>;

struct ParsedAddresses {
  AddressList addresses;
  bool truncated = false;  // there were more than the limit
};

// Takes the raw value of a field, folds included; never fails, keeps what it can, linear time.
// Local parts may hold dots anywhere, as Japanese carriers gave them out (`a..b@docomo.ne.jp`,
// `a.@ezweb.ne.jp`).  A comment becomes the name of an address that has none.  Raw 8-bit text
// becomes UTF-8.  Words without any address in them become an entry with a name only.
ParsedAddresses parse_addresses(std::string_view raw_value, std::size_t limit = max_addresses);

// The display name as people read it.
std::string display_name(const Address& address);

// `local@domain`, the local part quoted where RFC 5322 §3.4.1 asks for it; carrier forms are quoted
// too.  Only `local` when there is no domain.
std::string addr_spec(const Address& address);

}  // namespace todoke::mime
