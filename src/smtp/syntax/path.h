#pragma once

#include "base/cursor.h"
#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace todoke::smtp {

constexpr std::size_t max_local_part = 64;  // RFC 5321 §4.5.3.1.1
constexpr std::size_t max_domain = 255;     // RFC 5321 §4.5.3.1.2
constexpr std::size_t max_path = 256;       // RFC 5321 §4.5.3.1.3, with its brackets

// A reverse-path or forward-path (RFC 5321 §4.1.2) as our parsers make it: valid UTF-8 without any
// control character, within the limits above.  Source routes are gone.
//
// Japanese carriers have given out addresses with dots at the ends of the local part or side by
// side (a..b@docomo.ne.jp, a.@ezweb.ne.jp).  RFC 5321 would have them quoted, and hardly anyone
// does: we take both forms, and print the one that is in use.
struct Path {
  std::string local;   // without quotes and backslashes
  std::string domain;  // as given: a domain, U-labels or an address literal with its brackets;
                       // empty in the null reverse-path and in <postmaster>

  bool is_null() const { return local.empty() && domain.empty(); }
  friend bool operator==(const Path&, const Path&) = default;
};

// What stands after "MAIL FROM:" and "RCPT TO:".  Takes the path and leaves the cursor behind it.
// Errc::invalid says what is wrong, Errc::over_limit that a part is too long.
// deviation: RFC 5321 §4.1.1.2 — blanks before the path and a mailbox without angle brackets are
// taken, as printers, scanners and old programs send them.
Result<Path> take_reverse_path(Cursor& cursor);  // may be <>
Result<Path> take_forward_path(Cursor& cursor);  // may be <postmaster>

// The whole of `text` is one Mailbox, as in user@example.jp, with no brackets and no blanks around.
Result<Path> parse_address(std::string_view text);

// The whole of `text` is a Domain or an address literal; U-labels are allowed (RFC 6531 §3.3).
bool is_domain(std::string_view text);

// RFC 5321 §4.1.2 wants the local part quoted, as it is no Dot-string: also for carriers' dots.
bool needs_quoting(const Path& path);
// There are bytes beyond ASCII, so only a peer with SMTPUTF8 takes it (RFC 6531 §3.3).
bool needs_utf8(const Path& path);

// How a local part is printed that consists of atoms and dots but is no Dot-string.
enum class Dots {
  as_used,  // a..b@docomo.ne.jp
  strict,   // "a..b"@docomo.ne.jp
};

// The path without angle brackets, empty for the null path.  Quoted only when that is needed.
std::string to_text(const Path& path, Dots dots = Dots::as_used);

}  // namespace todoke::smtp
