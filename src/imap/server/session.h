#pragma once

#include "base/principal.h"
#include "base/result.h"
#include "directory/sign_outs.h"
#include "imap/server/command_reader.h"
#include "imap/server/command_table.h"
#include "imap/server/selected.h"
#include "imap/server/server.h"
#include "imap/syntax/command.h"
#include "imap/syntax/mailbox_name.h"
#include "store/mailbox.h"
#include "store/model.h"
#include "store/store.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::imap {

// The tagged end of a command.
struct Reply {
  enum class Kind { ok, no, bad, said };  // said: the command has answered itself
  Kind kind = Kind::ok;
  std::string text;  // "[CODE] words"
  // RFC 7162 §3.2.7: OK begins with [HIGHESTMODSEQ], of the moment when all news are told.
  bool tells_mod_seq = false;
};
Reply ok(std::string text);
Reply no(std::string text);
Reply bad(std::string text);
// For an error of the store: with the response code of RFC 9051 §7.1 that says what it is.
Reply no(const Error& error);

// RFC 8474 §4: of a mailbox, whatever its name; of an account one holds.
std::string mailbox_id_text(std::int64_t mailbox_id);

// One IMAP session.  Lives in serve()'s frame, on the connection's thread.  Each command has a file
// of its own, cmd_*.cc; session.cc takes them in and tells the client what others did.
class Session {
 public:
  Session(const Server& server, net::Stream& io, PlainTextLogin plain_text);
  // Logs what the session did, however it ended.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // From the greeting to the end.  Throws net::Closed.
  [[nodiscard]] Task<> run();

 private:
  // ---- session.cc
  State state() const;
  [[nodiscard]] Task<> take(CommandReader::Received received);
  [[nodiscard]] Task<Reply> number_after_select();
  [[nodiscard]] Task<> obey(std::string text);
  // Carries out a step of a command.  Trouble with disk or database is an answer like others, and
  // the session goes on: the next command may well succeed.  Unless a literal was begun, which
  // nothing but its octets can end.
  [[nodiscard]] Task<Reply> guarded(Task<Reply> step);
  // Waits until a command begins to come.
  [[nodiscard]] Task<> await_command();
  // Whether the sign-in holds no longer, which is then said, and the session is over.
  bool signed_out();
  std::optional<Reply> refusal(const Command& command) const;
  void finish(std::string_view tag, const Reply& reply);
  void untagged(std::string_view text);
  // A wrong command.  Whoever makes many is no mail client.
  void mistake();
  // Sends what has gathered, if it is much.
  [[nodiscard]] Task<> breathe();
  NameForm name_form() const { return utf8_ ? NameForm::utf8 : NameForm::modified_utf7; }
  bool plain_text_allowed() const;
  std::string capabilities() const;

  // ---- news.cc
  // Tells what others did to the selected mailbox.
  [[nodiscard]] Task<> tell_news(News allowed);
  // The same at the end of a command, whose answer stands: trouble with the database leaves the
  // news untold until the next command.
  [[nodiscard]] Task<> tell_news_if_possible(News allowed);
  [[nodiscard]] Task<Reply> news_step(News allowed);
  // Reads the messages of a mailbox that was opened by its counters alone.
  [[nodiscard]] Task<> number_messages();
  void write_expunged(const store::ViewDiff& diff, const store::View& before);
  void write_flags(std::size_t index, bool with_uid);
  void write_told_up_to(std::string_view words);
  void write_known_keywords(const std::string& keywords);
  // What this session itself has changed is known to its client.
  [[nodiscard]] Task<> learn_own(store::FlagsChanged outcome);
  [[nodiscard]] Task<> learn_keywords();
  void enable_condstore();

  // ---- mailbox_lookup.cc
  [[nodiscard]] Task<Result<store::MailboxInfo>> find_mailbox(WireName name);
  [[nodiscard]] Task<Result<store::Store::Opened>> open_mailbox(WireName name,
                                                                store::Rights rights);
  [[nodiscard]] Task<Result<store::Mailbox>> open_by_id(std::int64_t mailbox_id);
  [[nodiscard]] Task<store::Quota> quota();

  // ---- cmd_*.cc
  [[nodiscard]] Task<Reply> handle(Capability command);
  [[nodiscard]] Task<Reply> handle(Noop command);
  [[nodiscard]] Task<Reply> handle(Logout command);
  [[nodiscard]] Task<Reply> handle(Id command);
  [[nodiscard]] Task<Reply> handle(StartTls command);
  [[nodiscard]] Task<Reply> handle(Authenticate command);
  [[nodiscard]] Task<Reply> handle(Login command);
  [[nodiscard]] Task<Reply> handle(Unauthenticate command);
  [[nodiscard]] Task<Reply> handle(Enable command);
  [[nodiscard]] Task<Reply> handle(Select command);
  [[nodiscard]] Task<Reply> handle(Create command);
  [[nodiscard]] Task<Reply> handle(Delete command);
  [[nodiscard]] Task<Reply> handle(Rename command);
  [[nodiscard]] Task<Reply> handle(Subscribe command);
  [[nodiscard]] Task<Reply> handle(Unsubscribe command);
  [[nodiscard]] Task<Reply> handle(List command);
  [[nodiscard]] Task<Reply> handle(Lsub command);
  [[nodiscard]] Task<Reply> handle(Namespace command);
  [[nodiscard]] Task<Reply> handle(Status command);
  [[nodiscard]] Task<Reply> handle(Append command);
  [[nodiscard]] Task<Reply> handle(Idle command);
  [[nodiscard]] Task<Reply> handle(Check command);
  [[nodiscard]] Task<Reply> handle(Close command);
  [[nodiscard]] Task<Reply> handle(Unselect command);
  [[nodiscard]] Task<Reply> handle(Expunge command);
  [[nodiscard]] Task<Reply> handle(Search command);
  [[nodiscard]] Task<Reply> handle(Fetch command);
  [[nodiscard]] Task<Reply> handle(Store command);
  [[nodiscard]] Task<Reply> handle(Copy command);
  [[nodiscard]] Task<Reply> handle(Move command);
  [[nodiscard]] Task<Reply> handle(GetQuota command);
  [[nodiscard]] Task<Reply> handle(GetQuotaRoot command);
  [[nodiscard]] Task<Reply> handle(SetQuota command);

  // cmd_append.cc
  [[nodiscard]] Task<> append(CommandReader::Received received);
  [[nodiscard]] Task<Reply> find_target(WireName name, std::optional<store::Mailbox>* target);
  [[nodiscard]] Task<Reply> append_to(store::Mailbox target, LiteralHead literal,
                                      AppendOptions options);
  [[nodiscard]] Task<Result<store::Appended>> receive_message(LiteralHead literal,
                                                              AppendOptions options);
  [[nodiscard]] Task<> refuse_literal(LiteralHead literal);
  void lose_track();
  [[nodiscard]] Task<Reply> keep(store::Mailbox target, std::vector<store::Appended> messages);
  // cmd_authenticate.cc
  [[nodiscard]] Task<Reply> enter(Principal principal, std::string mechanism);
  Reply refuse_login(const Error& why, std::string_view mechanism, std::string_view login);
  // cmd_list.cc
  [[nodiscard]] Task<> write_list(List command, std::string_view response);
  // cmd_status.cc
  [[nodiscard]] Task<std::string> status_text(store::MailboxInfo mailbox, StatusItems items);
  // cmd_select.cc
  void write_unseen();
  [[nodiscard]] Task<> resynchronise(QuickResync known);
  // cmd_expunge.cc
  [[nodiscard]] Task<Result<int>> expunge_deleted(std::optional<std::vector<IndexRange>> among);
  // cmd_store.cc
  [[nodiscard]] Task<> write_stored(std::vector<IndexRange> messages,
                                    std::vector<std::uint32_t> modified,
                                    std::shared_ptr<const store::View> now, Numbers numbers);
  [[nodiscard]] Task<> write_silent(std::shared_ptr<const store::View> before,
                                    store::FlagsChanged changed);
  // cmd_fetch.cc
  [[nodiscard]] Task<Reply> mark_seen(std::vector<std::size_t> indexes, std::vector<bool>* marked);
  [[nodiscard]] Task<> write_vanished(SequenceSet set, std::uint64_t since);
  // cmd_search.cc
  void save_result(const Search& command, const std::vector<std::size_t>& found);
  void write_search(const Search& command, const std::vector<std::size_t>& found);
  void write_esearch(const Search& command, const std::vector<std::size_t>& found);
  // cmd_quota.cc
  [[nodiscard]] Task<> write_quota(std::int64_t limit);

  const Server& server_;
  net::Stream& io_;
  CommandReader reader_{io_};
  const PlainTextLogin plain_text_;
  const std::string id_;
  bool over_ = false;
  // Part of an answer is out and cannot be ended properly if the rest fails.
  bool inside_answer_ = false;
  int mistakes_ = 0;
  int failed_logins_ = 0;
  std::string tag_;  // of the command that is carried out

  std::optional<Principal> principal_;
  directory::SignOuts::Watch watch_;  // rings while the principal is signed in
  std::unique_ptr<Selected> selected_;
  // What ENABLE, or a command that implies it, has turned on.
  bool rev2_ = false;
  bool utf8_ = false;  // names in UTF-8: IMAP4rev2 or UTF8=ACCEPT
  bool condstore_ = false;
  bool qresync_ = false;

  // For the log.
  std::uint64_t commands_ = 0;
};

}  // namespace todoke::imap
