#pragma once

#include "smtp/syntax/path.h"
#include "smtp/syntax/reply.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

// Syntax of SMTP and LMTP commands.  Pure: bytes in, values out.  Whether a command or parameter is
// offered, allowed now or makes sense, the session decides.  Time is linear and memory no more than
// the line is long, so the limit on lines (RFC 5321 §4.5.3.1.4) is the only budget needed.
namespace todoke::smtp {

// RFC 5321 §4.1.1.1.
// deviation: RFC 5321 §4.1.1.1 — any text is taken for a name: many clients send what their owner
// typed as the computer's name.  At most max_domain bytes of any kind but control characters;
// is_domain tells whether it is lawful.
struct Ehlo {
  std::string name;
};
struct Helo {
  std::string name;
};
struct Lhlo {  // RFC 2033 §4.1
  std::string name;
};

enum class Body { seven_bit, eight_bit_mime, binary_mime };  // RFC 6152 §2, RFC 3030 §3
enum class Ret { full, headers };                            // RFC 3461 §4.3

// RFC 5321 §4.1.1.2.  A sender beyond ASCII is refused here unless SMTPUTF8 is there too.
struct Mail {
  Path from;
  std::optional<std::uint64_t> size;  // RFC 1870 §6; the largest number if it was larger yet
  Body body = Body::seven_bit;
  bool smtp_utf8 = false;            // RFC 6531 §3.4
  bool require_tls = false;          // RFC 8689 §4
  std::optional<std::string> auth;   // RFC 4954 §5, decoded, no controls; empty for <>
  std::optional<Ret> ret;            // RFC 3461 §4.3
  std::optional<std::string> envid;  // RFC 3461 §4.4, decoded, printable ASCII
};

// RFC 3461 §4.1; none of them is NEVER.
struct Notify {
  bool success = false;
  bool failure = false;
  bool delay = false;

  friend bool operator==(const Notify&, const Notify&) = default;
};

// RFC 3461 §4.2, decoded; of type utf-8 (RFC 6533 §3) the address is UTF-8, else printable ASCII.
struct OriginalRecipient {
  std::string type;
  std::string address;

  friend bool operator==(const OriginalRecipient&, const OriginalRecipient&) = default;
};

// RFC 5321 §4.1.1.3.  When MAIL had no SMTPUTF8, the session refuses a recipient that needs_utf8.
struct Rcpt {
  Path to;
  std::optional<Notify> notify;
  std::optional<OriginalRecipient> original_recipient;
};

struct Data {};
// RFC 3030 §2.  After a BDAT that could not be read nobody knows how many bytes follow: the session
// closes the connection.
struct Bdat {
  std::uint64_t size;
  bool last;
};
struct Rset {};
struct Noop {};
struct Quit {};
struct Help {
  std::string topic;
};
// RFC 5321 §4.1.1.6 and §4.1.1.7, RFC 6531 §3.7.4.2.
struct Vrfy {
  std::string who;
  bool smtp_utf8 = false;
};
struct Expn {
  std::string list;
  bool smtp_utf8 = false;
};
struct StartTls {};  // RFC 3207 §4
// RFC 4954 §4.
struct Auth {
  std::string mechanism;               // in upper case
  std::optional<std::string> initial;  // decoded from base64; "=" gives an empty one
};

using Command = std::variant<Ehlo, Helo, Lhlo, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, Help, Vrfy,
                             Expn, StartTls, Auth>;

// Parses one line without its CRLF.  The error is the reply to send:
//   500 5.5.2  unknown command, or a control character anywhere
//   502 5.5.1  a command we know and do not have (ETRN, TURN, SEND …)
//   501 5.1.7  the sender's address is malformed     501 5.1.3  a recipient's is
//   553 5.6.7  the sender's address needs SMTPUTF8
//   501 5.5.2  the words are not in the order the command wants; bad base64 in AUTH
//   501 5.5.4  an argument is missing, superfluous, malformed or given twice
//   555 5.5.4  a parameter of MAIL or RCPT that we do not know
std::expected<Command, Reply> parse_command(std::string_view line);

}  // namespace todoke::smtp
