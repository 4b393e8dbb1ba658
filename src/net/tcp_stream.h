#pragma once

#include "net/reaper.h"
#include "net/stream.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <atomic>

struct ssl_st;

namespace todoke::net {

class ClientHandshake;

// A connected TCP or Unix socket, with or without TLS.  Included by net/ only.
class TcpStream final : public Stream {
 public:
  // Takes the non-blocking descriptor.
  TcpStream(boost::asio::io_context& context, Reaper& reaper, int descriptor, Peer peer);
  ~TcpStream() override;

  void set_deadline(std::chrono::seconds from_now) override;
  [[nodiscard]] Task<> start_tls(std::shared_ptr<const TlsContext> context) override;
  [[nodiscard]] Task<> start_tls_client(std::shared_ptr<const TlsClient> context,
                                        TlsExpectation expectation) override;
  const TlsInfo* tls() const override { return tls_.get(); }
  std::optional<std::string> channel_binding(std::string_view type) const override;

  std::shared_ptr<Bell> bell() override;

  // As fill(), but takes no more than `bytes` from the socket.  For a PROXY header: OpenSSL reads
  // the socket itself, so a ClientHello that came with the header must still be there.
  [[nodiscard]] Task<> fill_at_most(std::size_t bytes);

  // Waits until the connection that is under way has come about: 0, or why it did not.
  [[nodiscard]] Task<int> connected();
  // `count` is one more until this stream ends.
  void count_in(std::atomic<std::size_t>& count);

  // For the reaper, on its thread.
  enum class End { timed_out, stopping, cut };
  Steady deadline() const { return deadline_; }
  bool waits_idle() const { return waiting_ && interruptible_; }
  void end(End how);
  std::size_t reaper_index = 0;

 protected:
  [[nodiscard]] Task<> receive() override;
  [[nodiscard]] Task<bool> receive_or_bell() override;
  [[nodiscard]] Task<> send() override;

 private:
  class PostedBell;
  enum class Wait { read, write };
  [[nodiscard]] Task<> wait(Wait what);
  // Bytes received (> 0), 0 for "wait for `needs`"; throws Closed at the end.
  std::size_t try_receive(Room room, Wait& needs);
  std::size_t try_send(std::string_view bytes, Wait& needs);
  // What an OpenSSL call that did not succeed asks for.
  Wait tls_needs(int result, const char* during);
  Wait handshake_needs(int result);
  void say_farewell();
  // Whether the connection was to end before or during a wait; throws Closed then.
  void check_ended(Wait what);

  boost::asio::posix::stream_descriptor socket_;
  Reaper& reaper_;
  Steady deadline_ = Steady::max();
  bool waiting_ = false;
  std::size_t receive_limit_ = SIZE_MAX;
  std::optional<End> ended_;
  ssl_st* ssl_ = nullptr;
  std::shared_ptr<const TlsContext> context_;
  std::unique_ptr<ClientHandshake> handshake_;  // as a client
  std::unique_ptr<TlsInfo> tls_;
  std::atomic<std::size_t>* count_ = nullptr;
  std::shared_ptr<PostedBell> bell_;  // shared with those who ring it
  bool hears_bell_ = false;           // waits in receive_or_bell()
};

}  // namespace todoke::net
