#pragma once

#include "base/clock.h"
#include "net/stream.h"
#include "net/tls_client.h"
#include "smtp/client/dialogue.h"
#include "smtp/client/offer.h"
#include "smtp/syntax/command.h"
#include "smtp/syntax/reply.h"
#include "smtp/syntax/stage.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke {
class WorkerPool;
}

// Speaks to other servers.  Whatever the other side does, each call ends in bounded time with
// bounded memory, and says at which stage and how.
namespace todoke::smtp {

enum class Protocol { smtp, lmtp };

// How TLS is used on a connection.
struct TlsPolicy {
  enum class Need {
    never,
    opportunistic,  // with STARTTLS when it is offered; a refused STARTTLS goes on in the clear
    required,       // with STARTTLS, or not at all
    implicit,       // from the first byte (RFC 8314 §3.3)
  };
  Need need = Need::opportunistic;
  net::TlsExpectation expectation;
};

// For a smarthost.  SCRAM-SHA-256 if it is offered, else PLAIN, else LOGIN; only under TLS, unless
// the server is on this machine.
struct Login {
  std::string user;
  std::string password;
};

// RFC 5321 §4.5.3.2.  Each bounds one whole reply, not each of its lines.
struct Timeouts {
  std::chrono::seconds greeting{300};
  std::chrono::seconds command{300};
  std::chrono::seconds handshake{60};
  std::chrono::seconds data{120};
  std::chrono::seconds block{180};  // of the message, up to 64 KiB
  std::chrono::seconds end_of_data{600};
  // Bounds all of open(), and all of each send(), the waiting for its text included.
  std::chrono::seconds overall{1800};
};

struct ClientOptions {
  const Clock& clock;
  std::string helo;  // our name: a domain or an address literal
  Protocol protocol = Protocol::smtp;
  Timeouts timeouts;
  std::shared_ptr<const net::TlsClient> tls;  // needed unless TLS is never used
  TlsPolicy policy;
  std::optional<Login> login;
  WorkerPool* pool = nullptr;  // for the slow arithmetic of SCRAM; null: on the spot
};

// Why a conversation went no further.
struct Ending {
  Stage stage = Stage::connect;
  Breakdown breakdown = Breakdown::none;
  std::optional<Reply> reply;  // that decided it; with Breakdown::garbage the one out of place
  std::string text;            // for people, when there is no reply

  // We gave up for reasons of our own (we stop, the message cannot be read): nothing is known of
  // the server.
  bool ours() const { return breakdown == Breakdown::none && !reply; }
};

// How it went for one recipient.
struct RecipientResult {
  bool accepted = false;
  Stage stage = Stage::mail;
  Breakdown breakdown = Breakdown::none;
  std::optional<Reply> reply;
  // The reply was not said by the server but made by us: the server lacks what the message needs.
  bool ours = false;
  std::string text;  // as in Ending

  friend bool operator==(const RecipientResult&, const RecipientResult&) = default;
};

// Where a message's text comes from, piece by piece.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next piece, with CRLF line ends; empty at the end, and not called again then.  Valid until
  // the next call.  May suspend for long: the server has accepted DATA by then, and does not get
  // the final dot before the end was answered here.  An error gives the transaction up.
  [[nodiscard]] virtual Task<Result<std::string_view>> next() = 0;
};

// A recipient of a transaction.
struct Recipient {
  std::string address;  // as it goes between <>: already quoted if need be
  std::optional<Notify> notify{};
  std::optional<OriginalRecipient> original_recipient{};
};

// One transaction.
struct Message {
  std::string reverse_path;  // as it goes between <>; may be empty
  std::vector<Recipient> recipients;
  std::optional<std::uint64_t> size;  // of the text, as good as it is known
  Body body = Body::eight_bit_mime;
  bool smtp_utf8 = false;  // the message or an address needs it
  bool require_tls = false;
  std::optional<Ret> ret;
  std::string envid;           // not encoded; may be empty
  BodySource* text = nullptr;  // outlives send()
};

// One conversation with one server, over a stream that was just connected and outlives the client.
// After an Ending, or when it is no longer usable(), nothing is left but quit() and to destroy the
// stream.
//
// Used by one coroutine on one thread, one call at a time.
class Client {
 public:
  Client(net::Stream& io, ClientOptions options);
  ~Client();

  // Waits for the greeting, says EHLO (or HELO to a server that knows no better), STARTTLS and EHLO
  // again, AUTH.  A failed handshake is an Ending at Stage::starttls: whoever may go without TLS
  // dials again with Need::never.
  [[nodiscard]] Task<std::expected<void, Ending>> open();

  const ServerOffer& offer() const { return offer_; }
  // The greeting and the answer to EHLO, for those who know servers by their words.
  const std::optional<Reply>& greeting() const { return greeting_; }
  const std::optional<Reply>& hello() const { return hello_; }
  // Null without TLS.
  const net::TlsInfo* tls() const { return io_.tls(); }
  // The server offered STARTTLS and then refused it, and we went on in the clear.
  const std::optional<Reply>& tls_refusal() const { return tls_refusal_; }

  // One transaction, with one result for each recipient, in order.  Does not throw Closed.
  //
  // deviation: RFC 6152 §3 — a message with 8-bit bytes goes as it is to a server without 8BITMIME:
  // every server of today passes them, and a converted message would break its signatures.
  [[nodiscard]] Task<std::vector<RecipientResult>> send(Message message);

  // The connection can take another transaction.  We keep it for Timeouts::overall; it may have
  // gone silently meanwhile: a send() on a connection used before that ends at Stage::mail without
  // a reply, or with 421, says nothing of the server but that it did not want to wait.
  bool usable() const { return state_ == State::open; }
  // Transactions begun.
  int transactions() const { return transactions_; }

  // RSET.  send() does it by itself where it is needed; alone it tells whether the server is still
  // there: see usable().
  [[nodiscard]] Task<> reset();
  // Says QUIT where that makes sense.  Waits 2 s at most and does not fail.
  [[nodiscard]] Task<> quit();

  // What was said both ways since the last take_dialogue().
  std::string dialogue() const { return dialogue_.text(); }
  std::string take_dialogue() { return dialogue_.take(); }

 private:
  class Transaction;
  enum class State {
    fresh,  // before open()
    open,   // between transactions
    talking,
    bye,     // only QUIT makes sense
    broken,  // not even that
  };
  enum class Said { openly, secret };
  using Heard = std::expected<Reply, Ending>;
  using Step = std::expected<void, Ending>;

  // ---- client.cc: one line, one reply

  void begin_overall();
  // Ready for the next transaction.
  void rest();
  // Sets the stream's deadline: `time`, or what is left of the whole.  False: nothing is left.
  bool allow(std::chrono::seconds time);
  // Queues a command.
  void say(std::string_view line, Said how = Said::openly);
  // Sends what is queued.  A failure waits for the next hear(): the server's last words may explain
  // it.
  [[nodiscard]] Task<> flush(std::chrono::seconds time);
  // The next reply.  421 ends the conversation, and is given back as a reply.
  [[nodiscard]] Task<Heard> hear(Stage stage, std::chrono::seconds time, Said how = Said::openly);
  // One line of it, without its end.
  [[nodiscard]] Task<std::expected<std::string, Ending>> hear_line(Stage stage);
  // A command and its reply, in step: unread input before it is garbage.
  [[nodiscard]] Task<Heard> ask(Stage stage, std::string line, std::chrono::seconds time,
                                Said how = Said::openly);
  // Where nothing may have been said yet.
  Step expect_silence(Stage stage);
  std::unexpected<Ending> break_off(Stage stage, Breakdown breakdown, std::string text);
  std::unexpected<Ending> lost(Stage stage, const net::Closed& closed);
  std::unexpected<Ending> out_of_place(Stage stage, Reply reply);
  std::unexpected<Ending> refused(Stage stage, Reply reply);

  // ---- opening.cc

  [[nodiscard]] Task<Step> greet();
  [[nodiscard]] Task<Step> say_hello();
  [[nodiscard]] Task<Step> agree_on_tls();
  [[nodiscard]] Task<Step> handshake();

  // ---- sign_in.cc

  [[nodiscard]] Task<Step> sign_in();
  [[nodiscard]] Task<Heard> sign_in_with_scram();
  [[nodiscard]] Task<Heard> sign_in_with_plain();
  [[nodiscard]] Task<Heard> sign_in_with_login();

  net::Stream& io_;
  const ClientOptions options_;
  State state_ = State::fresh;
  Steady latest_{};
  std::optional<net::Closed> write_failure_;
  ServerOffer offer_;
  std::optional<Reply> greeting_;
  std::optional<Reply> hello_;
  std::optional<Reply> tls_refusal_;
  bool needs_reset_ = false;  // the server may still hold half a transaction
  int transactions_ = 0;
  Dialogue dialogue_;
};

}  // namespace todoke::smtp
