#pragma once

#include "delivery/incoming.h"
#include "smtp/server/server.h"
#include "smtp/server/state.h"
#include "smtp/syntax/command.h"
#include "smtp/syntax/data.h"
#include "smtp/syntax/reply.h"

#include <optional>
#include <string>

namespace todoke::smtp {

// One SMTP or LMTP conversation (RFC 5321 §3, RFC 6409, RFC 2033), from greeting to QUIT or
// net::Closed.  Owned by the frame that runs it; one thread.
//
// Standing rules: commands are taken as out_of_place() allows, and the transaction is one object
// that is destroyed on every outcome (mail-server rule R3); 250 after the message means durable;
// replies are collected and go out when we wait.
class Session {
 public:
  Session(net::Stream& io, Server& server) : io_(io), server_(server) {}
  [[nodiscard]] Task<> run();

 private:
  // From MAIL to the end of the message.
  struct Transaction {
    std::string id;  // in replies, trace headers and the log; the envelope's as text
    std::optional<std::uint64_t> declared_size;
    delivery::Envelope envelope;
    std::optional<delivery::Incoming> message;  // once DATA or BDAT began
    LineChecker chunks;                         // line ends of BDAT
    std::optional<Reply> refusal;               // the message is read to its end, and refused so
  };

  [[nodiscard]] Task<> dispatch(Command command);
  // The only way from state to state.  Ends the transaction where there is none.
  void enter(State next);
  void out_of_order(std::string_view why);
  static std::optional<Reply> refuse_line(const net::Stream::Line& line, EnhancedCode over_long);

  // cmd_hello.cc
  [[nodiscard]] Task<> handle(Ehlo c);
  [[nodiscard]] Task<> handle(Helo c);
  [[nodiscard]] Task<> handle(Lhlo c);
  [[nodiscard]] Task<> handle(StartTls c);
  void greet(std::string name, bool extended);
  // cmd_mail.cc
  [[nodiscard]] Task<> handle(Mail c);
  [[nodiscard]] Task<> handle(Rcpt c);
  [[nodiscard]] Task<> handle(Rset c);
  std::optional<Reply> refuse_mail(const Mail& c) const;
  // cmd_data.cc
  [[nodiscard]] Task<> handle(Data c);
  [[nodiscard]] Task<> handle(Bdat c);
  void begin_message();
  std::string trace_headers() const;
  void take(std::string_view bytes);
  [[nodiscard]] Task<> read_data();
  bool is_endless(std::uint64_t chunk_size) const;
  [[nodiscard]] Task<> read_chunk(std::uint64_t size);
  [[nodiscard]] Task<> skip_chunk(std::uint64_t size);
  [[nodiscard]] Task<> finish_message();
  // cmd_auth.cc
  [[nodiscard]] Task<> handle(Auth c);
  std::optional<Reply> refuse_auth(const Auth& c) const;
  void signed_in(directory::Principal principal);
  void sign_in_failed(const Error& error);
  // session.cc
  [[nodiscard]] Task<> handle(Noop c);
  [[nodiscard]] Task<> handle(Help c);
  [[nodiscard]] Task<> handle(Vrfy c);
  [[nodiscard]] Task<> handle(Expn c);
  [[nodiscard]] Task<> handle(Quit c);

  void reply(const Reply& what);
  void reply(int code, EnhancedCode enhanced, std::string text);
  // Answers, counts, and says good-bye when it is too much.  An error is what only a broken or
  // hostile client does.  Fruitless is what happens to honest ones now and then, and all the time
  // to those who guess addresses: an unknown recipient, or commands sent ahead (RFC 2920 §3.1)
  // behind one that was refused.
  enum class Fault { error, fruitless };
  void complain(const Reply& what, Fault fault = Fault::error);
  void forget_everything();

  net::Stream& io_;
  Server& server_;
  State state_ = State::connected;
  int complaints_ = 0;
  int failed_sign_ins_ = 0;
  std::string helo_;  // from greeted on
  bool extended_ = false;
  std::optional<directory::Principal> principal_;
  std::optional<Transaction> transaction_;  // exactly while has_transaction(state_)
};

}  // namespace todoke::smtp
