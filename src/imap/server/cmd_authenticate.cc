#include "base/encoding.h"
#include "base/log.h"
#include "directory/directory.h"
#include "directory/sasl_server.h"
#include "imap/server/session.h"
#include "net/tls.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::imap {
namespace {

constexpr std::size_t max_exchange_line = 12288 - 2;
constexpr std::string_view needs_tls =
    "[PRIVACYREQUIRED] Passwords are not taken without TLS: use STARTTLS first, or the port for "
    "IMAP "
    "over TLS";

}  // namespace

// RFC 9051 §6.2.3.
Task<Reply> Session::handle(Login command) {
  if (!plain_text_allowed()) co_return no(std::string(needs_tls));
  const auto& peer = io_.peer();
  directory::SignIn request{.login = std::move(command.user),
                            .password = std::move(command.password),
                            .service = directory::Service::imap,
                            .listener = peer.local_address,
                            .network = peer.network(),
                            .source = peer.address};
  auto login = request.login;
  auto principal = co_await server_.directory.sign_in(std::move(request));
  if (!principal) co_return refuse_login(principal.error(), "LOGIN", login);
  co_return co_await enter(*std::move(principal), "LOGIN");
}

// RFC 9051 §6.2.2, RFC 4959.
Task<Reply> Session::handle(Authenticate command) {
  auto offered = directory::SaslServer::mechanisms(io_, plain_text_allowed());
  if (std::ranges::find(offered, command.mechanism) == offered.end()) {
    bool sends_password = command.mechanism == "PLAIN" || command.mechanism == "LOGIN";
    if (sends_password && !plain_text_allowed()) co_return no(std::string(needs_tls));
    co_return no("[CANNOT] This mechanism is not offered here");
  }
  directory::SaslServer sasl(server_.directory, io_, directory::Service::imap);
  auto mechanism = command.mechanism;
  auto step = co_await sasl.start(std::move(command.mechanism), std::move(command.initial));
  using Kind = directory::SaslServer::Step::Kind;
  while (step.kind == Kind::challenge) {
    io_.write("+ " + base64_encode(step.challenge) + "\r\n");
    auto line = co_await io_.read_line(max_exchange_line);
    if (line.text == "*") co_return bad("Cancelled");
    auto answer = base64_decode(line.text);
    if (line.over_long || !answer) co_return bad("This is no answer in base64");
    step = co_await sasl.respond(*std::move(answer));
  }
  if (step.kind == Kind::done)
    co_return co_await enter(std::move(step.principal), std::move(mechanism));
  if (step.error.code == Errc::invalid) co_return bad("The exchange does not follow its mechanism");
  co_return refuse_login(step.error, mechanism, "");
}

// The directory's words tell a stranger nothing.  RFC 9051 §7.1: AUTHENTICATIONFAILED makes a
// client ask for another password, UNAVAILABLE makes it try again later.
Reply Session::refuse_login(const Error& why, std::string_view mechanism, std::string_view login) {
  log::info("imap.login_failed", {{"session", id_},
                                  {"login", login},
                                  {"peer", io_.peer().address},
                                  {"mechanism", mechanism},
                                  {"reason", why.text}});
  bool later = why.code == Errc::over_limit || why.code == Errc::unavailable;
  ++failed_logins_;
  return no((later ? "[UNAVAILABLE] " : "[AUTHENTICATIONFAILED] ") + why.text);
}

Task<Reply> Session::enter(Principal principal, std::string mechanism) {
  log::info("imap.login",
            {{"session", id_},
             {"login", principal.login},
             {"peer", io_.peer().address},
             {"mechanism", mechanism},
             {"tls", io_.tls() != nullptr ? std::string_view(io_.tls()->version) : "none"}});
  principal_ = std::move(principal);
  auto ring = [bell = io_.bell()] { bell->ring(); };
  watch_ = server_.directory.watch_sign_in(*principal_, std::move(ring));
  mistakes_ = failed_logins_ = 0;
  co_return ok(fmt::format("[{}] Logged in", capabilities()));
}

// RFC 8437: as if newly connected, but the TLS stays.
Task<Reply> Session::handle(Unauthenticate) {
  selected_ = nullptr;
  principal_.reset();
  watch_ = {};
  rev2_ = utf8_ = condstore_ = qresync_ = false;
  io_.set_deadline(server_.limits.before_login);
  co_return ok(fmt::format("[{}] Logged out; log in again", capabilities()));
}

}  // namespace todoke::imap
