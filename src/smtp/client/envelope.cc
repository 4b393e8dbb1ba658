#include "smtp/client/envelope.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "smtp/syntax/xtext.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::smtp {
namespace {

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, ascii::is_control);
}

// RFC 3461 §4.1.
std::string to_text(const Notify& notify) {
  std::string out;
  auto add = [&](bool wanted, std::string_view word) {
    if (!wanted) return;
    if (!out.empty()) out += ',';
    out += word;
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
  return out.empty() ? "NEVER" : out;
}

// RFC 3461 §4.2, RFC 6533 §3.
std::string to_text(const OriginalRecipient& original) {
  bool utf8 = ascii::equal_ignoring_case(original.type, "utf-8");
  return original.type + ";" +
         (utf8 ? utf8_address_encode(original.address) : xtext_encode(original.address));
}

}  // namespace

std::string mail_command(const Message& message, const ServerOffer& offer) {
  std::string out = "MAIL FROM:<" + message.reverse_path + ">";
  if (offer.size && message.size) out += fmt::format(" SIZE={}", *message.size);
  if (offer.eight_bit_mime && message.body != Body::seven_bit) out += " BODY=8BITMIME";
  if (offer.smtp_utf8 && message.smtp_utf8) out += " SMTPUTF8";
  if (offer.require_tls && message.require_tls) out += " REQUIRETLS";
  if (offer.dsn && message.ret) out += *message.ret == Ret::full ? " RET=FULL" : " RET=HDRS";
  if (offer.dsn && !message.envid.empty()) out += " ENVID=" + xtext_encode(message.envid);
  return out;
}

std::string rcpt_command(const Recipient& recipient, const ServerOffer& offer) {
  std::string out = "RCPT TO:<" + recipient.address + ">";
  if (!offer.dsn) return out;
  if (recipient.notify) out += " NOTIFY=" + to_text(*recipient.notify);
  if (recipient.original_recipient && !has_control(recipient.original_recipient->type))
    out += " ORCPT=" + to_text(*recipient.original_recipient);
  return out;
}

std::optional<Reply> refuse_message(const Message& message, const ServerOffer& offer,
                                    const net::TlsInfo* tls) {
  if (has_control(message.reverse_path))
    return make_reply(501, {5, 1, 7}, "The sender's address cannot be sent");
  if (message.require_tls) {
    // RFC 8689 §4.2.1.
    if (tls == nullptr || tls->verified == net::TlsInfo::Verified::none)
      return make_reply(550, {5, 7, 30},
                        "The message requires TLS with a server that proves who it is");
    if (!offer.require_tls)
      return make_reply(550, {5, 7, 30}, "The server does not offer REQUIRETLS");
  }
  if ((message.smtp_utf8 || !is_ascii(message.reverse_path)) && !offer.smtp_utf8)
    return make_reply(553, {5, 6, 7}, "The server does not offer SMTPUTF8");
  if (offer.size_limit && message.size && *message.size > *offer.size_limit)
    return make_reply(552, {5, 3, 4},
                      fmt::format("The message has {} bytes, the server takes {}", *message.size,
                                  *offer.size_limit));
  if (message.body == Body::binary_mime)
    return make_reply(554, {5, 6, 3}, "The message is in binary form, which we do not send");
  return {};
}

std::optional<Reply> refuse_recipient(const Recipient& recipient, const Message& message) {
  if (has_control(recipient.address))
    return make_reply(501, {5, 1, 3}, "The address cannot be sent");
  if (!message.smtp_utf8 && !is_ascii(recipient.address))
    return make_reply(553, {5, 6, 7}, "The address needs SMTPUTF8");
  return {};
}

}  // namespace todoke::smtp
