// MAIL, RCPT and RSET: the envelope.
#include "base/log.h"
#include "smtp/server/session.h"

#include <fmt/format.h>

namespace todoke::smtp {
namespace {

// RFC 3461 §4.  LMTP does without DSN: whoever hands us mail that way hears of each recipient's
// fate at once (RFC 2033 §4.2) and reports it as its client asked.  If we took the parameters, that
// would be ours to do (RFC 3461 §5.2).
Reply dsn_not_offered() {
  return make_reply(555, {5, 5, 4}, "DSN is not offered in LMTP");
}

}  // namespace

std::optional<Reply> Session::refuse_mail(const Mail& c) const {
  if (server_.face == Face::submission && !principal_) {
    if (io_.tls() == nullptr && !server_.allow_plain_text_login)
      return make_reply(530, {5, 7, 0}, "Must issue STARTTLS first, then sign in");
    return make_reply(530, {5, 7, 0}, "Sign in first");
  }
  if (c.size && *c.size > server_.max_message_size)
    return make_reply(552, {5, 3, 4},
                      fmt::format("Too large: at most {} bytes", server_.max_message_size));
  if (c.body == Body::binary_mime)
    return make_reply(555, {5, 6, 1}, "BINARYMIME is not offered here");
  if (server_.face == Face::lmtp && (c.ret || c.envid)) return dsn_not_offered();
  // RFC 8689 §4.1: only over TLS.
  if (c.require_tls && io_.tls() == nullptr)
    return make_reply(530, {5, 7, 10}, "REQUIRETLS needs TLS on this connection");
  return {};
}

Task<> Session::handle(Mail c) {
  if (principal_ && !server_.directory.still_signed_in(*principal_)) {
    log::info("smtp.signed_out", {{"login", principal_->login}, {"peer", io_.peer().address}});
    reply(421, {4, 7, 0}, server_.host + " your account or password was changed; sign in again");
    enter(State::closing);
    co_return;
  }
  if (auto refusal = refuse_mail(c)) {
    complain(*refusal);
    co_return;
  }
  if (principal_) {
    // The null reverse-path is anybody's who may still send as himself.
    auto as = c.from.is_null() ? parse_address(principal_->address).value_or(c.from) : c.from;
    auto may = co_await server_.directory.may_send_as(principal_->account_id, as.local, as.domain);
    if (!may) {
      log::info("smtp.sender_refused", {{"login", principal_->login}, {"from", to_text(c.from)}});
      reply(553, {5, 7, 1}, "This sender address does not belong to your account");
      co_return;
    }
  }
  enter(State::mail);
  auto& transaction = transaction_.emplace();
  auto& envelope = transaction.envelope;
  envelope.id = server_.ids.next();
  transaction.id = id_text(envelope.id);
  transaction.declared_size = c.size;
  envelope.reverse_path = std::move(c.from);
  envelope.submitted_by = principal_;
  envelope.body = c.body;
  envelope.smtp_utf8 = c.smtp_utf8;
  envelope.require_tls = c.require_tls;
  envelope.ret = c.ret;
  envelope.envid = std::move(c.envid);
  switch (server_.face) {
    case Face::mx:
      envelope.origin = "smtp";
      break;
    case Face::submission:
      envelope.origin = "submission";
      break;
    case Face::lmtp:
      envelope.origin = "lmtp";
      envelope.answer = delivery::Envelope::Answer::for_each;
      break;
  }
  reply(250, {2, 1, 0}, "Ok");
}

Task<> Session::handle(Rcpt c) {
  if (server_.face == Face::lmtp && (c.notify || c.original_recipient)) {
    complain(dsn_not_offered());
    co_return;
  }
  auto& envelope = transaction_->envelope;
  if (envelope.recipients.size() >= server_.max_recipients) {
    reply(452, {4, 5, 3}, "Too many recipients; send the others in another message");
    co_return;
  }
  // RFC 6531 §3.6: an address beyond ASCII only in a transaction that said so.
  if (needs_utf8(c.to) && !envelope.smtp_utf8) {
    reply(553, {5, 6, 7}, "This address needs SMTPUTF8 with MAIL");
    co_return;
  }
  auto route =
      co_await server_.delivery.accepts(c.to, principal_.has_value(), transaction_->declared_size);
  // The transaction is ours alone: nothing else can have ended it while we waited.
  // Who was refused costs the account nothing.
  if (route && principal_ &&
      !server_.rate.take(principal_->account_id, principal_->send_limit_per_hour)) {
    log::warn("smtp.rate_limited", {{"login", principal_->login}});
    reply(451, {4, 7, 1}, "Too many recipients in the last hour; please try again later");
    co_return;
  }
  if (route) {
    enter(State::recipients);
    envelope.recipients.push_back(
        {std::move(c.to), *std::move(route), c.notify, std::move(c.original_recipient)});
    reply(250, {2, 1, 5}, "Ok");
    co_return;
  }
  log::info("smtp.rcpt_refused", {{"peer", io_.peer().address},
                                  {"from", to_text(envelope.reverse_path)},
                                  {"to", to_text(c.to)},
                                  {"why", route.error().text}});
  switch (route.error().code) {
    case Errc::not_found:
      complain(make_reply(550, {5, 1, 1}, "No such mailbox here"), Fault::fruitless);
      break;
    case Errc::denied:
      complain(make_reply(550, {5, 7, 1}, "Relaying is not allowed; sign in on port 587"),
               Fault::fruitless);
      break;
    case Errc::over_limit:
      reply(452, {4, 2, 2}, "No room: " + route.error().text);
      break;
    default:
      reply(450, {4, 2, 1}, "This mailbox is out of service; try again later");
      break;
  }
}

Task<> Session::handle(Rset) {
  if (state_ != State::connected) enter(State::greeted);
  reply(250, {2, 0, 0}, "Ok");
  co_return;
}

}  // namespace todoke::smtp
