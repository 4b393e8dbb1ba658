#include "pop3/session.h"

#include "base/ascii.h"
#include "base/log.h"
#include "directory/directory.h"
#include "net/http_guess.h"
#include "net/tls.h"
#include "sql/tx.h"

#include <fmt/format.h>

#include <variant>

namespace todoke::pop3 {
namespace {

// RFC 5034 §4: an initial response may make the line of AUTH longer than other commands, and the
// lines of an exchange may have 12288 octets.
constexpr std::size_t max_auth_line = 12288 - 2;
constexpr std::size_t max_line = max_command_line - 2;  // without CRLF

template <class... C>
bool is_one_of(const Command& command) {
  return (std::holds_alternative<C>(command) || ...);
}

}  // namespace

Task<> serve(const Server& server,  // NOLINT: both outlive the session
             net::Stream& io, PlainTextLogin plain_text) {
  Session session(server, io, plain_text);
  std::string trouble;
  try {
    co_await session.run();
  } catch (const sql::Unavailable& unavailable) {
    trouble = unavailable.what();
  } catch (const sql::Violation& violation) {
    trouble = violation.what();
  } catch (const blob::Unavailable& unavailable) {
    trouble = unavailable.what();
  }
  if (trouble.empty()) co_return;
  log::error("pop3.unavailable", {{"session", session.id()}, {"reason", trouble}});
  session.apologise();
  co_await io.flush();
}

Session::Session(const Server& server, net::Stream& io, PlainTextLogin plain_text)
    : server_(server), io_(io), plain_text_(plain_text), id_(id_text(server.ids.next())) {}

Session::~Session() {
  if (!transaction_) return;
  log::info("pop3.session", {{"session", id_},
                             {"login", transaction_->principal.login},
                             {"messages", messages_sent_},
                             {"octets", octets_sent_},
                             {"deleted", expunged_}});
}

// RFC 1939 §3.  The greeting has no timestamp in angle brackets, so nobody tries APOP.
Task<> Session::run() {
  io_.set_farewells(&server_.farewells);
  io_.set_deadline(server_.limits.before_login);
  ok(server_.host + " Todoke POP3 server ready");
  while (!over_) {
    if (transaction_) io_.set_deadline(server_.limits.idle);
    // Whoever has marked messages as deleted may still finish with QUIT while the server stops.
    io_.set_interruptible(!transaction_ || transaction_->deleted_count == 0);
    co_await await_command();
    if (signed_out()) break;
    auto line = co_await io_.read_line(transaction_ ? max_line : max_auth_line);
    io_.set_interruptible(false);
    if (signed_out()) break;
    bool is_auth = !transaction_ && ascii::starts_with_ignoring_case(line.text, "AUTH ");
    if (line.over_long || (line.text.size() > max_line && !is_auth)) {
      mistake("The line is too long");
      continue;
    }
    if (net::is_http(line.text)) {
      log::info("pop3.http", {{"session", id_}, {"peer", io_.peer().address}});
      error("This is POP3 and not HTTP, good-bye");
      break;
    }
    // deviation: RFC 1939 §3 — a command may end with a bare LF: scripts of decades do so, and a
    // command line carries nothing that could be smuggled.
    co_await obey(std::move(line.text));
  }
  co_await io_.flush();
}

Task<> Session::await_command() {
  if (!transaction_) co_return;
  while (io_.buffered().empty() && server_.directory.still_signed_in(transaction_->principal))
    co_await io_.fill_or_bell();
}

// RFC 3206 §4: it is a matter of credentials.  What was marked stays: there was no QUIT.
bool Session::signed_out() {
  if (!transaction_ || server_.directory.still_signed_in(transaction_->principal)) return false;
  log::info("pop3.signed_out", {{"session", id_}, {"login", transaction_->principal.login}});
  error("[AUTH] Your account or password was changed, log in again");
  return true;
}

Task<> Session::obey(std::string line) {
  auto command = parse_command(line);
  if (!command) {
    mistake(command.error().text);
    co_return;
  }
  if (!in_place(*command)) co_return;
  auto step =
      std::visit([this](auto parsed) { return handle(std::move(parsed)); }, *std::move(command));
  co_await std::move(step);
}

// Whether the state allows the command; if not, that has been answered.
bool Session::in_place(const Command& command) {
  if (is_one_of<Capa, Quit, Lang>(command)) return true;
  bool for_login = is_one_of<User, Pass, Apop, Auth, Stls, Utf8>(command);
  if (for_login == !transaction_) return true;
  if (for_login)
    error("You are logged in already");
  else
    mistake("Log in first");
  return false;
}

// A wrong command.  Whoever is not logged in and makes many is no mail client.
void Session::mistake(std::string_view why) {
  error(why);
  if (transaction_ || ++mistakes_ < server_.limits.mistakes_before_login) return;
  log::info("pop3.mistakes", {{"session", id_}, {"peer", io_.peer().address}});
  over_ = true;
}

void Session::ok(std::string_view text) {
  io_.write("+OK ");
  io_.write(text);
  io_.write("\r\n");
}

void Session::error(std::string_view text) {
  io_.write("-ERR ");
  io_.write(text);
  io_.write("\r\n");
}

void Session::apologise() {
  if (!inside_answer_) error("[SYS/TEMP] The mailbox cannot be served now, try again later");
}

// RFC 2449 §5.  USER and SASL stay listed after login, as RFC 2449 §6.2 and RFC 5034 §3 want it;
// STLS is of the AUTHORIZATION state only (RFC 2595 §4).
Task<> Session::handle(Capa) {
  ok("This is what we can do");
  io_.write(
      "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nUTF8\r\n"
      "LANG\r\n");
  if (plain_text_allowed()) io_.write("USER\r\n");
  auto mechanisms = directory::SaslServer::mechanisms(io_, plain_text_allowed());
  if (!mechanisms.empty()) io_.write(fmt::format("SASL {}\r\n", fmt::join(mechanisms, " ")));
  bool can_start_tls = !transaction_ && io_.tls() == nullptr && server_.tls != nullptr;
  if (can_start_tls && server_.tls->current() != nullptr) io_.write("STLS\r\n");
  io_.write("IMPLEMENTATION Todoke\r\n.\r\n");
  co_return;
}

Task<> Session::handle(Noop) {
  ok("Nothing done");
  co_return;
}

// RFC 6856 §2.
// deviation: RFC 6856 §2.1 — messages with UTF-8 in their header are served unchanged without this
// command too: clients of Japanese users have coped with raw 8-bit headers for decades, and a
// refusal would hide mail from them.
Task<> Session::handle(Utf8) {
  ok("UTF-8 it is");
  co_return;
}

// RFC 6856 §3.  Our answers are in plain English, whatever is asked for.
Task<> Session::handle(Lang command) {
  auto wanted = ascii::to_lower(command.language);
  if (wanted.empty())
    io_.write("+OK Languages follow\r\nen English\r\n.\r\n");
  else if (wanted == "*" || wanted == "en" || wanted.starts_with("en-"))
    ok("en We speak English");
  else
    error("We speak English only");
  co_return;
}

}  // namespace todoke::pop3
