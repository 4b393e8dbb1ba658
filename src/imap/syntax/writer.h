#pragma once

#include "base/clock.h"
#include "imap/syntax/mailbox_name.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

// Pieces of IMAP answers, appended to `out`.  Nothing that is given can break out of the form: what
// does not fit a quoted string becomes a literal.  RFC 9051 §9.
namespace todoke::imap {

// A "string": quoted when it is short 7-bit text without CR, LF, NUL; else a literal.  NUL becomes
// U+FFFD's substitute "?" in literals (RFC 9051 forbids it outside literal8).
void write_string(std::string& out, std::string_view text);
// "nstring": NIL for nothing.
void write_nstring(std::string& out, const std::optional<std::string>& text);
// An "astring": an atom where that is possible.
void write_astring(std::string& out, std::string_view text);
// A mailbox name, given in UTF-8: an astring in modified UTF-7, or a quoted string in UTF-8.
void write_mailbox(std::string& out, std::string_view name, NameForm form);
// "01-Jan-2026 09:00:00 +0900" in quotes, in UTC unless `zone_minutes` says other.  RFC 9051 §9
// "date-time".
void write_date_time(std::string& out, Time at, int zone_minutes = 0);
// Text of a response line (resp-text): controls and 8-bit replaced so that it is one line.
void write_text(std::string& out, std::string_view text);

}  // namespace todoke::imap
