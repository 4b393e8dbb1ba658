#include "net/tcp_stream.h"

#include "net/socket_address.h"
#include "net/tls.h"
#include "net/tls_handshake.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>

namespace todoke::net {

namespace asio = boost::asio;
using Reason = Closed::Reason;

namespace {

Closed lost(int error) {
  bool reset = error == ECONNRESET || error == EPIPE;
  return Closed("connection lost: " + std::generic_category().message(error),
                reset                ? Reason::reset
                : error == ETIMEDOUT ? Reason::timed_out
                                     : Reason::other);
}

}  // namespace

// Carries a ring to the connection's thread.
class TcpStream::PostedBell final : public Bell, public std::enable_shared_from_this<PostedBell> {
 public:
  explicit PostedBell(TcpStream& stream)
      : stream_(&stream), executor_(stream.socket_.get_executor()) {}
  void ring() override {
    if (rung_.exchange(true)) return;
    asio::post(executor_, [self = shared_from_this()] { self->arrive(); });
  }
  // On the connection's thread, as all below.
  bool take() { return rung_.exchange(false); }
  void forget_stream() { stream_ = nullptr; }

 private:
  void arrive() {
    if (stream_ == nullptr || !stream_->hears_bell_ || !rung_.load()) return;
    boost::system::error_code ignored;
    stream_->socket_.cancel(ignored);
  }

  std::atomic<bool> rung_{false};
  TcpStream* stream_;
  asio::any_io_executor executor_;
};

TcpStream::TcpStream(asio::io_context& context, Reaper& reaper, int descriptor, Peer peer)
    : socket_(context, descriptor), reaper_(reaper) {
  peer_ = std::move(peer);
  reaper_.add(*this);
}

TcpStream::~TcpStream() {
  reaper_.remove(*this);
  if (bell_) bell_->forget_stream();
  if (ssl_ != nullptr) {
    if (!ended_ && SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ERR_clear_error();
  }
  if (count_ != nullptr) --*count_;
}

void TcpStream::set_deadline(std::chrono::seconds from_now) {
  deadline_ = reaper_.now() + from_now;
}

void TcpStream::end(End how) {
  if (ended_) return;
  ended_ = how;
  // Wakes the coroutine: its wait ends with an error or a readable end of file.
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  if (how == End::cut) ::shutdown(socket_.native_handle(), SHUT_RDWR);
}

void TcpStream::say_farewell() {
  if (farewells_ == nullptr || ended_ == End::cut || !output_.empty()) return;
  const auto& words = ended_ == End::stopping ? farewells_->stopping : farewells_->timed_out;
  // One attempt: the peer may be long gone.
  Wait needs{};
  if (!words.empty()) try_send(words, needs);
}

Task<> TcpStream::wait(Wait what) {
  if (!ended_) {
    waiting_ = what == Wait::read;
    auto type = what == Wait::read ? asio::posix::stream_descriptor::wait_read
                                   : asio::posix::stream_descriptor::wait_write;
    auto [error] = co_await socket_.async_wait(type, asio::as_tuple(asio::use_awaitable));
    waiting_ = false;
    if (error && !ended_) throw lost(error.value());
  }
  check_ended(what);
}

void TcpStream::check_ended(Wait what) {
  if (!ended_) return;
  auto how = *ended_;
  if (how != End::cut && what == Wait::read) {
    try {
      say_farewell();
    } catch (const Closed&) {
      // The peer was quicker.
    }
  }
  throw Closed(how == End::timed_out  ? "deadline passed"
               : how == End::stopping ? "the server stops"
                                      : "cut by the server",
               how == End::timed_out ? Reason::timed_out : Reason::stopping);
}

Task<> TcpStream::receive() {
  // A connection that had to be waited for once will have to be waited for again, mostly: waiting
  // first costs no extra system call, and needs no buffer meanwhile.
  bool tls_has_bytes = ssl_ != nullptr && SSL_has_pending(ssl_) == 1;
  if (!tls_has_bytes) {
    if (interruptible_ && reaper_.stopping()) end(End::stopping);
    co_await wait(Wait::read);
  }
  for (;;) {
    Wait needs = Wait::read;
    auto bytes = try_receive(make_room(), needs);
    if (bytes > 0) {
      received(bytes);
      co_return;
    }
    co_await wait(needs);
  }
}

std::shared_ptr<Bell> TcpStream::bell() {
  if (!bell_) bell_ = std::make_shared<PostedBell>(*this);
  return bell_;
}

Task<bool> TcpStream::receive_or_bell() {
  bool tls_has_bytes = ssl_ != nullptr && SSL_has_pending(ssl_) == 1;
  while (!tls_has_bytes) {
    if (bell_ && bell_->take()) co_return false;
    if (interruptible_ && reaper_.stopping()) end(End::stopping);
    if (!ended_) {
      waiting_ = hears_bell_ = true;
      auto [error] = co_await socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                 asio::as_tuple(asio::use_awaitable));
      waiting_ = hears_bell_ = false;
      if (!error && !ended_) break;
      if (error != asio::error::operation_aborted && !ended_) throw lost(error.value());
    }
    check_ended(Wait::read);
  }
  for (;;) {
    Wait needs = Wait::read;
    auto bytes = try_receive(make_room(), needs);
    if (bytes > 0) {
      received(bytes);
      co_return true;
    }
    co_await wait(needs);
  }
}

Task<> TcpStream::fill_at_most(std::size_t bytes) {
  receive_limit_ = bytes;
  co_await fill();
  receive_limit_ = SIZE_MAX;
}

Task<> TcpStream::send() {
  std::size_t sent = 0;
  while (sent < output_.size()) {
    Wait needs = Wait::write;
    auto bytes = try_send(std::string_view(output_).substr(sent), needs);
    sent += bytes;
    if (bytes == 0) co_await wait(needs);
  }
  constexpr std::size_t kept = 4096;
  if (output_.capacity() > kept)
    output_ = std::string();
  else
    output_.clear();
}

std::size_t TcpStream::try_receive(Room room, Wait& needs) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    int n = SSL_read(ssl_, room.to, static_cast<int>(std::min<std::size_t>(room.size, 1 << 20)));
    if (n > 0) return static_cast<std::size_t>(n);
    needs = tls_needs(n, "reading");
    return 0;
  }
  for (;;) {
    auto n = ::recv(socket_.native_handle(), room.to, std::min(room.size, receive_limit_), 0);
    if (n > 0) return static_cast<std::size_t>(n);
    if (n == 0) throw Closed("the peer closed the connection", Reason::ended);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) throw lost(errno);
    needs = Wait::read;
    return 0;
  }
}

std::size_t TcpStream::try_send(std::string_view bytes, Wait& needs) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    int n = SSL_write(ssl_, bytes.data(),
                      static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (n > 0) return static_cast<std::size_t>(n);
    needs = tls_needs(n, "writing");
    return 0;
  }
  for (;;) {
    auto n = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) throw lost(errno);
    needs = Wait::write;
    return 0;
  }
}

TcpStream::Wait TcpStream::tls_needs(int result, const char* during) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Wait::read;
    case SSL_ERROR_WANT_WRITE:
      return Wait::write;
    case SSL_ERROR_ZERO_RETURN:
      throw Closed("the peer closed the connection", Reason::ended);
    default:
      break;
  }
  auto error = errno;
  auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) {
    if (error != 0) throw lost(error);
    throw Closed("the peer closed the connection", Reason::ended);
  }
  const auto* reason = ERR_reason_error_string(code);
  throw Closed(fmt::format("TLS {}: {}", during, reason != nullptr ? reason : "failed"),
               Reason::tls);
}

Task<> TcpStream::start_tls(std::shared_ptr<const TlsContext> context) {
  if (!output_.empty()) co_await send();
  forget_input();
  context_ = std::move(context);
  ssl_ = SSL_new(context_->native());
  SSL_set_fd(ssl_, socket_.native_handle());
  for (;;) {
    ERR_clear_error();
    errno = 0;
    int done = SSL_accept(ssl_);
    if (done == 1) break;
    auto needs = tls_needs(done, "handshake");
    co_await wait(needs);
  }
  const auto* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  tls_ = std::make_unique<TlsInfo>(TlsInfo{SSL_get_version(ssl_), SSL_get_cipher_name(ssl_),
                                           SSL_get_cipher_bits(ssl_, nullptr),
                                           name != nullptr ? name : ""});
}

Task<> TcpStream::start_tls_client(std::shared_ptr<const TlsClient> context,
                                   TlsExpectation expectation) {
  if (!output_.empty()) co_await send();
  if (!buffered().empty())
    throw Closed("the server went on in the clear behind its consent to TLS", Reason::tls);
  auto* native = context->native();
  handshake_ = std::make_unique<ClientHandshake>(std::move(context), std::move(expectation));
  ssl_ = SSL_new(native);
  SSL_set_fd(ssl_, socket_.native_handle());
  handshake_->prepare(ssl_);
  for (;;) {
    ERR_clear_error();
    errno = 0;
    int done = SSL_connect(ssl_);
    if (done == 1) break;
    auto needs = handshake_needs(done);
    co_await wait(needs);
  }
  tls_ = std::make_unique<TlsInfo>(handshake_->describe(ssl_));
}

// A server that goes away here does not like our TLS, or cannot do any.
TcpStream::Wait TcpStream::handshake_needs(int result) {
  try {
    return tls_needs(result, "handshake");
  } catch (const Closed& closed) {
    if (closed.reason == Reason::ended)
      throw Closed("the server closed the connection during the TLS handshake", Reason::tls);
    if (closed.reason != Reason::tls || handshake_->refusal().empty()) throw;
    throw Closed(handshake_->refusal(), Reason::tls);
  }
}

Task<int> TcpStream::connected() {
  co_await wait(Wait::write);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
    error = errno;
  if (error == 0) read_local_address(socket_.native_handle(), peer_);
  co_return error;
}

void TcpStream::count_in(std::atomic<std::size_t>& count) {
  count_ = &count;
  ++count;
}

std::optional<std::string> TcpStream::channel_binding(std::string_view type) const {
  if (ssl_ == nullptr) return {};
  if (type == "tls-exporter") {
    // RFC 9266 §2.  Under TLS 1.2 it needs the extended master secret.
    constexpr std::string_view label = "EXPORTER-Channel-Binding";
    if (SSL_version(ssl_) < TLS1_3_VERSION && SSL_get_extms_support(ssl_) != 1) return {};
    std::string out(32, '\0');
    auto ok = SSL_export_keying_material(ssl_, reinterpret_cast<unsigned char*>(out.data()),
                                         out.size(), label.data(), label.size(), nullptr, 0, 1);
    return ok == 1 ? std::optional(out) : std::nullopt;
  }
  if (type == "tls-server-end-point") {
    // RFC 5929 §4.1: SHA-256 unless the certificate is signed with something stronger.
    auto* certificate =
        SSL_is_server(ssl_) == 1 ? SSL_get_certificate(ssl_) : SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr) return {};
    int digest_nid = NID_undef;
    OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, nullptr);
    const auto* digest = digest_nid == NID_undef ? nullptr : EVP_get_digestbynid(digest_nid);
    if (digest == nullptr || digest_nid == NID_md5 || digest_nid == NID_sha1) digest = EVP_sha256();
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, digest, hash, &size) != 1) return {};
    return std::string(reinterpret_cast<char*>(hash), size);
  }
  return {};
}

void Reaper::add(TcpStream& stream) {
  stream.reaper_index = streams_.size();
  streams_.push_back(&stream);
}

void Reaper::remove(TcpStream& stream) {
  auto* last = streams_.back();
  streams_[stream.reaper_index] = last;
  last->reaper_index = stream.reaper_index;
  streams_.pop_back();
}

void Reaper::close_overdue() {
  auto time = now();
  for (auto* stream : streams_)
    if (stream->deadline() < time) stream->end(TcpStream::End::timed_out);
}

void Reaper::interrupt_idle() {
  stopping_ = true;
  for (auto* stream : streams_)
    if (stream->waits_idle()) stream->end(TcpStream::End::stopping);
}

void Reaper::close_all() {
  stopping_ = true;
  for (auto* stream : streams_) stream->end(TcpStream::End::cut);
}

}  // namespace todoke::net
