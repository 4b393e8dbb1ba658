#pragma once

#include <string_view>

namespace todoke::net {

// Whether a line that was sent as a command of a mail protocol is of a web browser: a request line
// (RFC 9112 §3) or a header field (RFC 9112 §5).  A page can make its reader's browser send a
// request with any body to a mail server's port; who goes on listening after the first line takes
// the commands in that body for the reader's own.
bool is_http(std::string_view line);

}  // namespace todoke::net
