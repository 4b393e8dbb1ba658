#include "base/encoding.h"
#include "base/log.h"
#include "directory/directory.h"
#include "net/tls.h"
#include "pop3/session.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::pop3 {
namespace {

constexpr std::size_t max_exchange_line = 12288 - 2;  // RFC 5034 §4
// RFC 3206 §4 counts a violation of policy among the problems of [AUTH].
constexpr std::string_view needs_tls =
    "[AUTH] Passwords are not taken without TLS: use STLS first, or the port for POP3 over TLS";

std::string_view tls_version(const net::Stream& io) {
  return io.tls() != nullptr ? std::string_view(io.tls()->version) : "none";
}

}  // namespace

bool Session::plain_text_allowed() const {
  return io_.tls() != nullptr || plain_text_ == PlainTextLogin::allowed || io_.peer().is_unix();
}

// RFC 1939 §7.  Always positive, so that it does not tell who exists.
Task<> Session::handle(User command) {
  if (!plain_text_allowed()) {
    error(needs_tls);
    co_return;
  }
  user_ = std::move(command.name);
  ok("And the password?");
}

Task<> Session::handle(Pass command) {
  if (!plain_text_allowed()) {
    error(needs_tls);
    co_return;
  }
  if (user_.empty()) {
    mistake("USER first");
    co_return;
  }
  const auto& peer = io_.peer();
  directory::SignIn request{.login = std::exchange(user_, {}),
                            .password = std::move(command.password),
                            .service = directory::Service::pop3,
                            .listener = peer.local_address,
                            .network = peer.network(),
                            .source = peer.address};
  auto login = request.login;
  auto principal = co_await server_.directory.sign_in(std::move(request));
  if (principal)
    co_await enter(*std::move(principal), "USER");
  else
    refuse_login(principal.error(), "USER", login);
}

Task<> Session::handle(Apop) {
  mistake("APOP would need your password itself, which we do not keep: use AUTH or USER");
  co_return;
}

// RFC 5034 §4.
Task<> Session::handle(Auth command) {
  auto offered = directory::SaslServer::mechanisms(io_, plain_text_allowed());
  if (command.mechanism.empty()) {
    ok("Mechanisms follow");
    for (auto one : offered) io_.write(fmt::format("{}\r\n", one));
    io_.write(".\r\n");
  } else if (std::ranges::find(offered, command.mechanism) != offered.end()) {
    co_await exchange(std::move(command));
  } else if (!plain_text_allowed() &&
             (command.mechanism == "PLAIN" || command.mechanism == "LOGIN")) {
    error(needs_tls);
  } else {
    mistake("This mechanism is not offered here");
  }
}

Task<> Session::exchange(Auth command) {
  directory::SaslServer sasl(server_.directory, io_, directory::Service::pop3);
  auto mechanism = command.mechanism;
  auto step = co_await sasl.start(std::move(command.mechanism), std::move(command.initial));
  using Kind = directory::SaslServer::Step::Kind;
  while (step.kind == Kind::challenge) {
    io_.write("+ " + base64_encode(step.challenge) + "\r\n");
    auto line = co_await io_.read_line(max_exchange_line);
    if (line.text == "*") {
      error("[AUTH] Cancelled");
      co_return;
    }
    auto answer = base64_decode(line.text);
    if (line.over_long || !answer) {
      mistake("This is no answer in base64");
      co_return;
    }
    step = co_await sasl.respond(*std::move(answer));
  }
  if (step.kind == Kind::done)
    co_await enter(std::move(step.principal), std::move(mechanism));
  else if (step.error.code == Errc::invalid)
    mistake("The exchange does not follow its mechanism");
  else
    refuse_login(step.error, mechanism, "");
}

// RFC 3206: [AUTH] makes a client ask for another password, [SYS/TEMP] makes it try again later.
// The directory's words tell a stranger nothing.
void Session::refuse_login(const Error& why, std::string_view mechanism, std::string_view login) {
  log::info("pop3.login_failed", {{"session", id_},
                                  {"login", login},
                                  {"peer", io_.peer().address},
                                  {"mechanism", mechanism},
                                  {"reason", why.text}});
  bool later = why.code == Errc::over_limit || why.code == Errc::unavailable;
  error((later ? "[SYS/TEMP] " : "[AUTH] ") + why.text);
  if (++failed_logins_ >= server_.limits.failed_logins) over_ = true;
}

// RFC 1939 §5.
// deviation: RFC 1939 §4 — no exclusive lock: several sessions, IMAP too, may work on a mailbox at
// once.  Each keeps the snapshot it began with, and a message that another deleted stays deleted.
Task<> Session::enter(directory::Principal principal, std::string mechanism) {
  auto mailbox_id = principal.pop3_mailbox_id.value_or(store::inbox_id);
  store::Rights rights = store::right_read;
  if (!principal.pop3_read_only) rights |= store::right_expunge;
  auto mailbox = co_await server_.store.open(principal, mailbox_id, rights);
  if (!mailbox) {
    log::warn("pop3.no_mailbox", {{"session", id_}, {"login", principal.login}});
    error("[SYS/PERM] The mailbox that this account shows over POP3 does not exist");
    over_ = true;
    co_return;
  }
  auto drop = co_await mailbox->maildrop();
  BodyReader body(server_.store, *mailbox, drop, server_.clock);
  log::info("pop3.login", {{"session", id_},
                           {"login", principal.login},
                           {"peer", io_.peer().address},
                           {"mechanism", mechanism},
                           {"tls", tls_version(io_)},
                           {"messages", drop->entries().size()}});
  ok(fmt::format("{} messages ({} octets)", drop->entries().size(), drop->total_size()));
  auto ring = [bell = io_.bell()] { bell->ring(); };
  auto watch = server_.directory.watch_sign_in(principal, std::move(ring));
  transaction_.emplace(Transaction{.principal = std::move(principal),
                                   .watch = std::move(watch),
                                   .mailbox = *mailbox,
                                   .drop = std::move(drop),
                                   .body = std::move(body),
                                   .deleted = {}});
}

// RFC 2595 §4.  What came in plain text after the command is thrown away (mail-server rule R2), and
// what was said before is forgotten.
Task<> Session::handle(Stls) {
  auto context = server_.tls != nullptr ? server_.tls->current() : nullptr;
  if (io_.tls() != nullptr) {
    error("TLS is active already");
  } else if (context == nullptr) {
    error("TLS is not available here");
  } else {
    ok("Begin TLS");
    co_await io_.start_tls(std::move(context));
    user_.clear();
    mistakes_ = 0;
    io_.set_deadline(server_.limits.before_login);
  }
}

}  // namespace todoke::pop3
