#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// Syntax of POP3 commands: RFC 1939, RFC 2449, RFC 2595 §4, RFC 5034, RFC 6856.  Pure: bytes in,
// values out, linear time, no
// more memory than the line is long.  Whether a command is allowed now, the session decides.
namespace todoke::pop3 {

// The octets of a command line with its CRLF (RFC 2449 §4).
constexpr std::size_t max_command_line = 255;

// As the client counts messages: from 1, the same as long as the session lasts.
using MessageNumber = std::uint32_t;

// RFC 1939 §7.  The name is any bytes, for old mailboxes may have names and passwords beyond ASCII.
struct User {
  std::string name;
};
struct Pass {
  std::string password;  // everything after one blank, blanks at the end too
};
// RFC 1939 §7.  Recognised so that it can be refused in plain words: it needs the password itself.
struct Apop {
  std::string name;
  std::string digest;
};
struct Stat {};
struct List {
  std::optional<MessageNumber> message;
};
struct Uidl {
  std::optional<MessageNumber> message;
};
struct Retr {
  MessageNumber message;
};
struct Dele {
  MessageNumber message;
};
struct Top {
  MessageNumber message;
  std::uint32_t lines;  // of the body
};
struct Noop {};
struct Rset {};
struct Quit {};
struct Capa {};  // RFC 2449 §5
struct Stls {};  // RFC 2595 §4
// RFC 5034 §4.  Without mechanism it asks for the list of mechanisms, as clients did before CAPA.
struct Auth {
  std::string mechanism;               // in upper case
  std::optional<std::string> initial;  // decoded from base64; "=" gives an empty one
};
struct Utf8 {};  // RFC 6856 §2
// RFC 6856 §3.  Without language it asks for the list; "*" is the server's own choice.
struct Lang {
  std::string language;
};

using Command = std::variant<User, Pass, Apop, Stat, List, Uidl, Retr, Dele, Top, Noop, Rset, Quit,
                             Capa, Stls, Auth, Utf8, Lang>;

// Parses one line without its CRLF.  The only error is Errc::invalid; its text is in ASCII and fit
// to stand after "-ERR ".  Keywords are taken in any case, blanks at the end are ignored but in
// PASS.
Result<Command> parse_command(std::string_view line);

}  // namespace todoke::pop3
