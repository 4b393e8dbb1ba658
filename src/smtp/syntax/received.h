#pragma once

#include "smtp/syntax/path.h"

#include <optional>
#include <string>
#include <string_view>

// The trace headers that we put in front of a message (RFC 5321 §4.4).  Whatever the texts hold
// that a client has sent, no header ends early and none is added (rule R11): bytes that have no
// business in their place become '?', and texts are cut to sensible lengths.
namespace todoke::smtp {

// How the message came in: all that the keyword after "with" tells.
struct TransferProtocol {
  bool lmtp = false;
  bool extended = false;  // EHLO and not HELO
  bool tls = false;
  bool authenticated = false;
  bool utf8 = false;  // SMTPUTF8 was given with MAIL
};

// RFC 3848 and RFC 6531 §4.3: SMTP, ESMTP, ESMTPSA, LMTPS, UTF8SMTPSA …
std::string with_keyword(TransferProtocol protocol);

struct Trace {
  std::string helo;            // what the client called itself
  std::string client_name;     // its name by verified reverse DNS, or empty
  std::string client_address;  // its address as text; empty to conceal who submitted the message
  std::string host;            // us
  TransferProtocol protocol;
  std::string tls;           // version and cipher suite, "TLSv1.3 TLS_AES_256_GCM_SHA384", or empty
  std::string id;            // by which the log knows this transaction
  std::optional<Path> for_;  // only when there is a single recipient, or Bcc would be told
  std::string date;          // RFC 5322 §3.3 date-time
};

// "Received: …" with CRLF at the end of each line.
std::string render_received(const Trace& trace);

// "Return-Path: <…>" and CRLF, for final delivery.
std::string render_return_path(const Path& reverse_path);

}  // namespace todoke::smtp
