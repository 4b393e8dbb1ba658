#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace todoke::transfer {

// Mailbox names as IMAP and Maildir++ folders spell them: RFC 3501 §5.1.3.  Characters in `escape`
// are encoded too although they need not be; every decoder takes them.
std::string to_modified_utf7(std::string_view utf8, std::string_view escape = {});
// Nothing when the text is no modified UTF-7.
std::optional<std::string> from_modified_utf7(std::string_view text);

}  // namespace todoke::transfer
