// EHLO, HELO, LHLO and STARTTLS: who speaks, what we offer, and in private.
#include "directory/sasl_server.h"
#include "smtp/server/session.h"

#include <fmt/format.h>

namespace todoke::smtp {

// RFC 5321 §4.1.1.1: a new greeting ends a transaction as RSET does.
void Session::greet(std::string name, bool extended) {
  enter(State::greeted);
  helo_ = std::move(name);
  extended_ = extended;
}

Task<> Session::handle(Ehlo c) {
  if (server_.face == Face::lmtp) {
    complain(make_reply(500, {5, 5, 1}, "This is LMTP: say LHLO"));
    co_return;
  }
  greet(std::move(c.name), true);
  Reply offer = make_reply(250, server_.host);
  auto& lines = offer.lines;
  lines.emplace_back("PIPELINING");
  lines.push_back(fmt::format("SIZE {}", server_.max_message_size));
  lines.emplace_back("8BITMIME");
  lines.emplace_back("SMTPUTF8");
  lines.emplace_back("CHUNKING");
  lines.emplace_back("DSN");
  lines.emplace_back("ENHANCEDSTATUSCODES");
  // RFC 9422 §4: the limit that senders of many copies want to know.
  lines.push_back(fmt::format("LIMITS RCPTMAX={}", server_.max_recipients));
  bool tls_possible = server_.tls != nullptr && server_.tls->current() != nullptr;
  if (io_.tls() == nullptr && tls_possible && server_.face != Face::lmtp)
    lines.emplace_back("STARTTLS");
  if (io_.tls() != nullptr) lines.emplace_back("REQUIRETLS");  // RFC 8689 §2: only then
  if (server_.face == Face::submission && !principal_) {
    auto mechanisms = directory::SaslServer::mechanisms(io_, server_.allow_plain_text_login);
    if (!mechanisms.empty()) lines.push_back(fmt::format("AUTH {}", fmt::join(mechanisms, " ")));
  }
  reply(offer);
}

Task<> Session::handle(Helo c) {
  if (server_.face == Face::lmtp) {
    complain(make_reply(500, {5, 5, 1}, "This is LMTP: say LHLO"));
    co_return;
  }
  greet(std::move(c.name), false);
  reply(make_reply(250, server_.host));
}

// RFC 2033 §4.1.
Task<> Session::handle(Lhlo c) {
  if (server_.face != Face::lmtp) {
    complain(make_reply(500, {5, 5, 1}, "This is SMTP: say EHLO"));
    co_return;
  }
  greet(std::move(c.name), true);
  Reply offer = make_reply(250, server_.host);
  for (const auto* line : {"PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES"})
    offer.lines.emplace_back(line);
  offer.lines.push_back(fmt::format("SIZE {}", server_.max_message_size));
  reply(offer);
}

// RFC 3207 §4.2: both sides forget what they knew; the stream forgets what was sent ahead (R2).
Task<> Session::handle(StartTls) {
  if (io_.tls() != nullptr) {
    complain(make_reply(503, {5, 5, 1}, "TLS is on already"));
    co_return;
  }
  auto context = server_.tls != nullptr ? server_.tls->current() : nullptr;
  if (context == nullptr) {
    reply(454, {4, 7, 0}, "TLS is not available now");
    co_return;
  }
  reply(220, {2, 0, 0}, "Ready for TLS");
  forget_everything();
  co_await io_.start_tls(std::move(context));
}

}  // namespace todoke::smtp
