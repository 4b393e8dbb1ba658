#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace todoke::imap {

// How mailbox names are spelled on the wire: modified UTF-7 (RFC 3501 §5.1.3) until a client
// enables IMAP4rev2 or UTF8=ACCEPT, UTF-8 from then on.
enum class NameForm { modified_utf7, utf8 };

// The canonical modified UTF-7 of UTF-8 text.  Characters in `escape` are encoded too although they
// need not be; every decoder takes them.
std::string to_modified_utf7(std::string_view utf8, std::string_view escape = {});
// Nothing when the text is no modified UTF-7.
std::optional<std::string> from_modified_utf7(std::string_view text);

// A name from the wire as UTF-8.  Modified UTF-7 that is broken ("A&B") and raw UTF-8 are taken as
// they stand, since clients have sent both for decades and the mailbox shall be reachable; nothing
// when it is no UTF-8 either.  Whatever is "INBOX" in any case becomes "INBOX", also as the first
// of several levels.
std::optional<std::string> name_from_wire(std::string_view wire, NameForm form);
std::string name_to_wire(std::string_view utf8, NameForm form);

// Whether a name matches a LIST pattern: "*" stands for anything, "%" for anything within a level.
// RFC 9051 §6.3.9.  "INBOX" as the first level matches in any case.  Time is bounded by the square
// of the name's length, whatever the pattern.
bool matches_pattern(std::string_view name, std::string_view pattern, char separator = '/');

}  // namespace todoke::imap
