#pragma once

#include "base/result.h"
#include "directory/model.h"
#include "directory/sasl_server.h"
#include "directory/sign_outs.h"
#include "pop3/body_reader.h"
#include "pop3/command.h"
#include "pop3/server.h"
#include "store/store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::pop3 {

// One POP3 session.  Lives in serve()'s frame, on the connection's thread.  The commands are in
// files by subject: session.cc (dispatch, CAPA, LANG, UTF8), login.cc, listing.cc, retrieval.cc,
// deletion.cc.
class Session {
 public:
  Session(const Server& server, net::Stream& io, PlainTextLogin plain_text);
  // Logs what the session did, however it ended.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // From the greeting to the end.  Throws net::Closed, sql::Unavailable, blob::Unavailable.
  [[nodiscard]] Task<> run();
  // After Unavailable: answers the command under way, unless part of its answer is out already.
  void apologise();

  const std::string& id() const { return id_; }

 private:
  // The TRANSACTION state (RFC 1939 §5): a snapshot of the maildrop, and what is marked in it.
  struct Transaction {
    directory::Principal principal;
    directory::SignOuts::Watch watch;
    store::Mailbox mailbox;
    std::shared_ptr<const store::Maildrop> drop;
    BodyReader body;
    std::vector<bool> deleted;  // by index; empty while nothing is marked
    std::size_t deleted_count = 0;
    std::uint64_t deleted_octets = 0;
  };
  enum class Listing { sizes, unique_ids };

  // ---- session.cc
  [[nodiscard]] Task<> obey(std::string line);
  bool in_place(const Command& command);
  // Waits until a command begins to come.
  [[nodiscard]] Task<> await_command();
  // Whether the sign-in holds no longer, which is then said.
  bool signed_out();
  void mistake(std::string_view why);
  void ok(std::string_view text);
  void error(std::string_view text);
  [[nodiscard]] Task<> handle(Capa);
  [[nodiscard]] Task<> handle(Noop);
  [[nodiscard]] Task<> handle(Utf8);
  [[nodiscard]] Task<> handle(Lang command);

  // ---- login.cc
  bool plain_text_allowed() const;
  [[nodiscard]] Task<> handle(User command);
  [[nodiscard]] Task<> handle(Pass command);
  [[nodiscard]] Task<> handle(Apop);
  [[nodiscard]] Task<> handle(Auth command);
  [[nodiscard]] Task<> handle(Stls);
  [[nodiscard]] Task<> exchange(Auth command);
  void refuse_login(const Error& why, std::string_view mechanism, std::string_view login);
  [[nodiscard]] Task<> enter(directory::Principal principal, std::string mechanism);

  // ---- listing.cc
  std::optional<std::size_t> index_of(MessageNumber number);
  bool is_deleted(std::size_t index) const;
  [[nodiscard]] Task<> handle(Stat);
  [[nodiscard]] Task<> handle(List command);
  [[nodiscard]] Task<> handle(Uidl command);
  [[nodiscard]] Task<> send_listing(Listing what);

  // ---- retrieval.cc
  [[nodiscard]] Task<> handle(Retr command);
  [[nodiscard]] Task<> handle(Top command);
  [[nodiscard]] Task<> send_message(MessageNumber number, std::optional<std::uint32_t> body_lines);
  void refuse_message(MessageNumber number, const Error& why);

  // ---- deletion.cc
  [[nodiscard]] Task<> handle(Dele command);
  [[nodiscard]] Task<> handle(Rset);
  [[nodiscard]] Task<> handle(Quit);

  const Server& server_;
  net::Stream& io_;
  const PlainTextLogin plain_text_;
  const std::string id_;
  bool over_ = false;
  bool inside_answer_ = false;  // a multi-line answer is out in part

  // AUTHORIZATION state.
  std::string user_;  // of USER, waiting for PASS
  int mistakes_ = 0;
  int failed_logins_ = 0;

  std::optional<Transaction> transaction_;

  // For the log.
  std::uint64_t messages_sent_ = 0;
  std::uint64_t octets_sent_ = 0;
  std::uint64_t expunged_ = 0;
};

}  // namespace todoke::pop3
