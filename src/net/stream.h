#pragma once

#include "base/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace todoke::net {

class TlsClient;
class TlsContext;
struct TlsExpectation;

// The peer went away, a deadline passed, TLS broke or the server stops.  Ends the session: thrown
// by every suspending call of Stream, caught once, where the connection was accepted or dialled.
struct Closed : std::runtime_error {
  enum class Reason {
    ended,      // the peer ended it in order
    reset,      // the peer broke it off
    timed_out,  // our deadline passed
    tls,        // TLS failed, or the certificate does not do; the words are fit for a person
    stopping,   // our own process stops
    other,
  };
  explicit Closed(const std::string& text, Reason why = Reason::other)
      : std::runtime_error(text), reason(why) {}

  Reason reason;
};

// Who is at the other end; after a PROXY header, who it says.
struct Peer {
  std::string address;  // "192.0.2.7", "2001:db8::7" or "unix"
  std::uint16_t port = 0;
  std::string local_address;  // the address of ours that was called
  std::uint16_t local_port = 0;

  // What limits count by: the address itself for IPv4, its /64 for IPv6.
  std::string network() const;
  bool is_loopback() const;  // a Unix socket too
  bool is_unix() const { return address == "unix"; }
};

// What TLS was agreed on.
struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;   // "TLS_AES_256_GCM_SHA384"
  int bits = 0;
  std::string server_name;  // SNI, lower case; may be empty

  // As a client: what vouches for the server's certificate, and in words why nothing does.
  enum class Verified { none, web_pki, dane };
  Verified verified = Verified::none;
  std::string why_not{};
  bool resumed = false;  // a session of an earlier connection
};

// What is said to a peer when the server ends the wait for its next command.  One per protocol
// server; outlives its streams.
struct Farewells {
  std::string timed_out;  // e.g. "421 4.4.2 …\r\n"
  std::string stopping;   // e.g. "421 4.3.2 …\r\n"
};

// Ends the wait of a connection that waits for something besides input, or its next such wait.  May
// outlive the connection.  Any thread.
class Bell {
 public:
  virtual ~Bell() = default;
  virtual void ring() = 0;
};

// One connection, as a protocol session sees it.  A session owns no socket and no timer; tests
// drive the same session over MemoryStream.  Used by one coroutine on one thread.
//
// Replies are collected by write() and go out together when the session next waits for input, so
// that a pipelined group of commands is answered by one packet.
class Stream {
 public:
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // ---- Input

  // What was received and not yet consumed.  Valid until the next call that suspends or consumes.
  std::string_view buffered() const { return {input_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes);
  // Sends what was written, then waits for at least one more byte.  Throws Closed.
  [[nodiscard]] Task<> fill();

  // The same, but ends early when the bell was rung since the last such wait: false, and there may
  // be no new byte.
  [[nodiscard]] Task<bool> fill_or_bell();
  virtual std::shared_ptr<Bell> bell() = 0;

  // A line ends with LF; CR before it is not part of it.  `bare_lf` tells that there was no CR.
  // A line of more than `max` bytes is consumed to its end, and reported as over_long without text.
  struct Line {
    std::string text;
    std::string end;  // the last 64 octets, of a line that is over_long
    bool over_long = false;
    bool bare_lf = false;
  };
  [[nodiscard]] Task<Line> read_line(std::size_t max);

  // ---- Output

  void write(std::string_view bytes) { output_.append(bytes); }
  // Bytes written and not yet sent.
  std::size_t pending() const { return output_.size(); }
  [[nodiscard]] Task<> flush();
  // Whoever writes much: sends what was written once it passes `much`, so that a slow reader does
  // not make us hold it.  Each such piece may take so long.
  static constexpr std::size_t much = 64 << 10;
  [[nodiscard]] Task<> breathe(std::chrono::seconds time);
  // Forgets what was written and not sent: the connection is given up, or can only be read now.
  void drop_output() { output_.clear(); }

  // ---- The connection

  // From now on the connection is closed unless a new deadline is set within this time.
  virtual void set_deadline(std::chrono::seconds from_now) = 0;
  // Whether the wait for input may be ended by a shutdown: true between transactions.
  void set_interruptible(bool yes) { interruptible_ = yes; }
  void set_farewells(const Farewells* farewells) { farewells_ = farewells; }

  // Sends what is pending, forgets all unread input (RFC 3207 §4.2 and mail-server rule R2), and
  // agrees on TLS as the server.  Throws Closed when the handshake fails.
  [[nodiscard]] virtual Task<> start_tls(std::shared_ptr<const TlsContext> context) = 0;
  // Sends what is pending and agrees on TLS as the client.  Throws Closed with Reason::tls when the
  // handshake fails, when the server is not who is expected, and when it said anything in the clear
  // behind its consent (RFC 3207 §6): whoever put that in was not the server.
  [[nodiscard]] virtual Task<> start_tls_client(std::shared_ptr<const TlsClient> context,
                                                TlsExpectation expectation) = 0;
  // Null without TLS.
  virtual const TlsInfo* tls() const = 0;
  // Channel binding data: RFC 9266 "tls-exporter" or RFC 5929 "tls-server-end-point".
  virtual std::optional<std::string> channel_binding(std::string_view type) const = 0;

  const Peer& peer() const { return peer_; }
  void set_peer(Peer peer) { peer_ = std::move(peer); }

 protected:
  Stream() = default;

  // Receives 1 to `room` bytes into `to`.  Waits before it asks for memory, so that an idle
  // connection holds no buffer: the room is made when bytes are there.
  [[nodiscard]] virtual Task<> receive() = 0;
  // The same unless the bell rings first: false.
  [[nodiscard]] virtual Task<bool> receive_or_bell() = 0;
  // Sends all of `output_` and empties it.
  [[nodiscard]] virtual Task<> send() = 0;

  // For receive(): room for more input, at least 4 KiB, and how much of it was used.
  struct Room {
    char* to;
    std::size_t size;
  };
  Room make_room();
  void received(std::size_t bytes) { end_ += bytes; }
  void forget_input();

  std::string output_;
  bool interruptible_ = false;
  const Farewells* farewells_ = nullptr;
  Peer peer_;

 private:
  [[nodiscard]] Task<> settle();

  std::unique_ptr<char[]> input_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace todoke::net
