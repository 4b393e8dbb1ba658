#pragma once

#include "smtp/client/client.h"

#include <optional>
#include <string>

// The commands that carry a message's envelope, and what stands against sending them.  Pure.
namespace todoke::smtp {

// "MAIL FROM:<…>" with the parameters that the server offers, without a line end.
std::string mail_command(const Message& message, const ServerOffer& offer);
// "RCPT TO:<…>", the same.
std::string rcpt_command(const Recipient& recipient, const ServerOffer& offer);

// The reply that we make ourselves when this server cannot be given this message, or nothing.
//   550 5.7.30 REQUIRETLS (RFC 8689 §4.2.1)   553 5.6.7 SMTPUTF8 (RFC 6531 §3.5)
//   552 5.3.4 SIZE (RFC 1870 §6.1)            554 5.6.3 bare binary, which we do not send
//   501 5.1.7 a sender with control characters
std::optional<Reply> refuse_message(const Message& message, const ServerOffer& offer,
                                    const net::TlsInfo* tls);
// The same for one recipient: 501 5.1.3, 553 5.6.7.
std::optional<Reply> refuse_recipient(const Recipient& recipient, const Message& message);

}  // namespace todoke::smtp
