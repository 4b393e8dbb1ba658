#include "imap/server/session.h"

#include "base/assert.h"
#include "base/log.h"
#include "blob/store.h"
#include "directory/directory.h"
#include "directory/sasl_server.h"
#include "imap/server/capability.h"
#include "imap/syntax/writer.h"
#include "net/tls.h"
#include "sql/tx.h"

#include <fmt/format.h>

#include <variant>

namespace todoke::imap {
Task<> serve(const Server& server,  // NOLINT: both outlive the session
             net::Stream& io, PlainTextLogin plain_text) {
  Session session(server, io, plain_text);
  co_await session.run();
}

Reply ok(std::string text) {
  return {Reply::Kind::ok, std::move(text)};
}
Reply no(std::string text) {
  return {Reply::Kind::no, std::move(text)};
}
Reply bad(std::string text) {
  return {Reply::Kind::bad, std::move(text)};
}

// The codes of RFC 5530 and RFC 9208.
Reply no(const Error& error) {
  auto code = [&]() -> std::string_view {
    switch (error.code) {
      case Errc::invalid:
        return "[CANNOT] ";
      case Errc::not_found:
        return "[NONEXISTENT] ";
      case Errc::conflict:
        return "[ALREADYEXISTS] ";
      case Errc::over_limit:
        return "[OVERQUOTA] ";
      case Errc::too_many:
        return "[LIMIT] ";
      case Errc::denied:
        return "[NOPERM] ";
      case Errc::unavailable:
        return "[UNAVAILABLE] ";
      case Errc::corrupt:
        return "[SERVERBUG] ";
    }
    return "";
  };
  return no(std::string(code()) + error.text);
}

std::string mailbox_id_text(std::int64_t mailbox_id) {
  return fmt::format("M{}", mailbox_id);
}

Session::Session(const Server& server, net::Stream& io, PlainTextLogin plain_text)
    : server_(server), io_(io), plain_text_(plain_text), id_(id_text(server.ids.next())) {}

Session::~Session() {
  if (!principal_) return;
  log::info("imap.session",
            {{"session", id_}, {"login", principal_->login}, {"commands", commands_}});
}

State Session::state() const {
  if (!principal_) return not_authenticated;
  return selected_ ? selected : authenticated;
}

bool Session::plain_text_allowed() const {
  return io_.tls() != nullptr || plain_text_ == PlainTextLogin::allowed || io_.peer().is_unix();
}

std::string Session::capabilities() const {
  std::string words = "CAPABILITY";
  for (const auto& row : capability_table())
    if ((row.announced & state()) != 0) words += fmt::format(" {}", row.name);
  words += fmt::format(" APPENDLIMIT={}", server_.append_limit);
  if (principal_) return words;
  bool can_start_tls = io_.tls() == nullptr && server_.tls != nullptr;
  if (can_start_tls && server_.tls->current() != nullptr) words += " STARTTLS";
  if (!plain_text_allowed()) words += " LOGINDISABLED";
  for (auto mechanism : directory::SaslServer::mechanisms(io_, plain_text_allowed()))
    words += fmt::format(" AUTH={}", mechanism);
  return words;
}

// RFC 9051 §7.1.
Task<> Session::run() {
  io_.set_farewells(&server_.farewells);
  io_.set_deadline(server_.limits.before_login);
  untagged(fmt::format("OK [{}] {} Todoke IMAP server ready", capabilities(), server_.host));
  while (!over_) {
    if (selected_ && !selected_->seen) {
      co_await io_.flush();
      auto step = number_after_select();
      co_await guarded(std::move(step));
      if (!selected_->seen) {
        untagged("BYE The mailbox cannot be read now, please try again later");
        break;
      }
    }
    if (principal_) io_.set_deadline(server_.limits.idle);
    io_.set_interruptible(true);
    co_await await_command();
    if (signed_out()) break;
    auto received = co_await reader_.next(principal_.has_value());
    io_.set_interruptible(false);
    if (signed_out()) break;
    co_await take(std::move(received));
  }
  co_await io_.flush();
}

Task<> Session::await_command() {
  if (!principal_) co_return;
  while (io_.buffered().empty() && server_.directory.still_signed_in(*principal_))
    co_await io_.fill_or_bell();
}

bool Session::signed_out() {
  if (!principal_ || server_.directory.still_signed_in(*principal_)) return false;
  log::info("imap.signed_out", {{"session", id_}, {"login", principal_->login}});
  untagged("BYE Your account or password was changed; log in again");
  over_ = true;
  return true;
}

Task<Reply> Session::number_after_select() {
  co_await number_messages();
  co_return Reply{};
}

Task<> Session::take(CommandReader::Received received) {
  using Kind = CommandReader::Received::Kind;
  if (principal_) io_.set_deadline(server_.limits.stalled);
  ++commands_;
  if (received.kind == Kind::message) {
    co_await append(std::move(received));
  } else if (received.kind == Kind::command) {
    co_await obey(std::move(received.text));
  } else {
    auto tag = received.text.substr(0, received.text.find(' '));
    bool is_tag = !tag.empty() && tag.size() < received.text.size() && tag.size() <= 32;
    finish(is_tag ? tag : "*", bad("[TOOBIG] The command is too long"));
    mistake();
    if (received.kind == Kind::hopeless && !over_) lose_track();
  }
}

Task<> Session::obey(std::string text) {
  auto parsed = parse_command(text);
  if (!parsed) {
    finish("*", bad(parsed.error().text));
    mistake();
    co_return;
  }
  tag_ = std::move(parsed->tag);
  if (!parsed->command) {
    const auto& error = parsed->command.error();
    finish(tag_, bad(error.text));
    mistake();
    co_return;
  }
  if (auto refused = refusal(*parsed->command)) {
    finish(tag_, *refused);
    if (refused->kind == Reply::Kind::bad) mistake();
    co_return;
  }
  const auto news = rule_of(*parsed->command).news;
  auto uses_uids = [](const auto& command) {
    if constexpr (requires { command.numbers; })
      return command.numbers == Numbers::uid;
    else
      return false;
  };
  bool all_news = news == News::all || std::visit(uses_uids, *parsed->command);
  auto step = std::visit([this](auto command) { return handle(std::move(command)); },
                         *std::move(parsed->command));
  auto reply = co_await guarded(std::move(step));
  if (selected_ && selected_->seen && reply.kind != Reply::Kind::bad && !over_)
    co_await tell_news_if_possible(all_news ? News::all : News::no_expunge);
  if (reply.tells_mod_seq && condstore_)
    reply.text = fmt::format("[HIGHESTMODSEQ {}] {}", selected_->told_up_to, reply.text);
  if (reply.kind != Reply::Kind::said) finish(tag_, reply);
  if (reply.kind == Reply::Kind::bad)
    mistake();
  else if (principal_)
    mistakes_ = 0;
  if (!principal_ && failed_logins_ >= server_.limits.failed_logins && !over_) {
    untagged("BYE Too many failed logins");
    over_ = true;
  }
}

Task<Reply> Session::guarded(Task<Reply> step) {
  std::string trouble;
  try {
    co_return co_await std::move(step);
  } catch (const sql::Unavailable& unavailable) {
    trouble = unavailable.what();
  } catch (const sql::Violation& violation) {
    trouble = violation.what();
  } catch (const blob::Unavailable& unavailable) {
    trouble = unavailable.what();
  }
  log::error("imap.unavailable", {{"session", id_}, {"reason", trouble}});
  if (inside_answer_) throw net::Closed("trouble within a literal");
  co_return no("[UNAVAILABLE] The mail store cannot do this now; nothing was changed");
}

// What stands in the way of the command; nothing: it may go on.
std::optional<Reply> Session::refusal(const Command& command) const {
  const auto& rule = rule_of(command);
  if ((rule.states & state()) == 0) {
    if (state() == not_authenticated) return bad("Log in first");
    if (rule.states == not_authenticated) return bad("You are logged in already");
    return bad("Select a mailbox first");
  }
  if (selected_ && (selected_->mailbox.rights() & rule.rights) != rule.rights)
    return no("[NOPERM] The mailbox is opened read-only");
  return {};
}

void Session::finish(std::string_view tag, const Reply& reply) {
  io_.write(tag);
  io_.write(reply.kind == Reply::Kind::ok   ? " OK "
            : reply.kind == Reply::Kind::no ? " NO "
                                            : " BAD ");
  std::string line;
  write_text(line, reply.text);
  io_.write(line);
  io_.write("\r\n");
}

void Session::untagged(std::string_view text) {
  io_.write("* ");
  io_.write(text);
  io_.write("\r\n");
}

void Session::mistake() {
  auto most = principal_ ? server_.limits.mistakes_in_a_row : server_.limits.mistakes_before_login;
  if (++mistakes_ < most || over_) return;
  log::info("imap.mistakes", {{"session", id_}, {"peer", io_.peer().address}});
  untagged("BYE Too many wrong commands");
  over_ = true;
}

Task<> Session::breathe() {
  return io_.breathe(server_.limits.stalled);
}

}  // namespace todoke::imap
