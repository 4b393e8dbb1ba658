// AUTH: signing in for submission.  RFC 4954.
#include "base/encoding.h"
#include "base/log.h"
#include "directory/sasl_server.h"
#include "smtp/server/session.h"

#include <algorithm>

namespace todoke::smtp {
namespace {

constexpr std::size_t max_auth_line = 12288;  // RFC 4954 §4
constexpr int max_failed_sign_ins = 3;

}  // namespace

std::optional<Reply> Session::refuse_auth(const Auth& c) const {
  if (server_.face != Face::submission)
    return make_reply(503, {5, 5, 1}, "Signing in is not offered here; use port 587");
  if (principal_) return make_reply(503, {5, 5, 1}, "You are signed in already");
  auto offered = directory::SaslServer::mechanisms(io_, server_.allow_plain_text_login);
  if (std::ranges::find(offered, c.mechanism) != offered.end()) return {};
  auto with_tls = directory::SaslServer::mechanisms(io_, true);
  if (std::ranges::find(with_tls, c.mechanism) != with_tls.end())
    return make_reply(538, {5, 7, 11}, "This way to sign in needs TLS: STARTTLS first");
  return make_reply(504, {5, 5, 4}, "This way to sign in is not known here");
}

Task<> Session::handle(Auth c) {
  if (auto refusal = refuse_auth(c)) {
    complain(*refusal);
    co_return;
  }
  directory::SaslServer exchange(server_.directory, io_, directory::Service::submission);
  using Kind = directory::SaslServer::Step::Kind;
  auto step = co_await exchange.start(std::move(c.mechanism), std::move(c.initial));
  while (step.kind == Kind::challenge) {
    reply(make_reply(334, base64_encode(step.challenge)));
    auto line = co_await io_.read_line(max_auth_line);
    if (auto refusal = refuse_line(line, {5, 5, 6})) {
      complain(*refusal);
      co_return;
    }
    if (line.text == "*") {
      reply(501, {5, 7, 0}, "Signing in was cancelled");
      co_return;
    }
    auto message = base64_decode(line.text);
    if (!message) {
      complain(make_reply(501, {5, 5, 2}, "That is not base64"));
      co_return;
    }
    step = co_await exchange.respond(*std::move(message));
  }
  if (step.kind == Kind::done)
    signed_in(std::move(step.principal));
  else
    sign_in_failed(step.error);
}

void Session::signed_in(directory::Principal principal) {
  log::info("smtp.signed_in", {{"login", principal.login},
                               {"peer", io_.peer().address},
                               {"tls", io_.tls() != nullptr ? io_.tls()->version : ""}});
  principal_ = std::move(principal);
  reply(235, {2, 7, 0}, "Welcome");
}

void Session::sign_in_failed(const Error& error) {
  log::info("smtp.sign_in_failed", {{"peer", io_.peer().address}, {"why", error.text}});
  switch (error.code) {
    case Errc::over_limit:
      reply(454, {4, 7, 0}, error.text);
      break;
    case Errc::unavailable:
      reply(454, {4, 7, 0}, "Signing in is not possible now");
      break;
    case Errc::invalid:
      reply(501, {5, 5, 2}, "The exchange was malformed");
      break;
    default:
      reply(535, {5, 7, 8}, "Login name or password is wrong");
      break;
  }
  // A client that is not told so takes its password for a good one that has no luck today.
  if (++failed_sign_ins_ < max_failed_sign_ins) return;
  reply(421, {4, 7, 0}, server_.host + " too many failed sign-ins, good-bye");
  enter(State::closing);
}

}  // namespace todoke::smtp
