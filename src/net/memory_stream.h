#pragma once

#include "net/stream.h"
#include "net/tls_client.h"

#include <atomic>
#include <functional>
#include <vector>

namespace todoke::net {

// A connection made of strings.  With input given in advance it serves unit tests; with
// `on_wait` a transcript runner feeds it whenever the session waits for more.
class MemoryStream final : public Stream {
 public:
  explicit MemoryStream(std::string input = {});
  ~MemoryStream() override;

  // Called when the session waits and nothing is left: feeds more with feed(), or leaves it, and
  // the wait throws Closed as if the peer had gone.
  std::function<void(MemoryStream&)> on_wait;
  void feed(std::string_view bytes) { script_.append(bytes); }
  // Called on the ringing thread; whoever makes the session wait in on_wait ends that.
  std::function<void()> on_ring;
  // In on_wait: whether a ring ends the wait.
  bool hears_bell() const { return hears_bell_; }
  // How many bytes one receive() hands over; tests of chunking set 1.
  std::size_t chunk = 4096;

  // All that the session sent; take_output() also forgets it.
  const std::string& output() const { return sent_; }
  std::string take_output() { return std::exchange(sent_, {}); }

  // Pretends a TLS session: what tls() answers from now on, also after start_tls().
  void pretend_tls(TlsInfo info) { tls_ = std::move(info); }
  bool tls_started() const { return tls_started_; }
  // What start_tls_client() agrees on.
  TlsInfo agreed{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""};
  // When given, start_tls_client() fails with these words.
  std::string tls_failure;
  // When the peer goes, or a write fails, this is how.
  Closed::Reason ends_with = Closed::Reason::ended;
  // From now on what is written fails as a connection that was reset; what was fed can be read.
  bool writes_fail = false;
  // What start_tls_client() was called with.
  const std::optional<TlsExpectation>& expectation() const { return expectation_; }
  std::chrono::seconds deadline() const { return deadline_; }

  void set_deadline(std::chrono::seconds from_now) override { deadline_ = from_now; }
  [[nodiscard]] Task<> start_tls(std::shared_ptr<const TlsContext> context) override;
  [[nodiscard]] Task<> start_tls_client(std::shared_ptr<const TlsClient> context,
                                        TlsExpectation expectation) override;
  const TlsInfo* tls() const override { return tls_ ? &*tls_ : nullptr; }
  std::optional<std::string> channel_binding(std::string_view type) const override;
  std::shared_ptr<Bell> bell() override;

 protected:
  [[nodiscard]] Task<> receive() override;
  [[nodiscard]] Task<bool> receive_or_bell() override;
  [[nodiscard]] Task<> send() override;

 private:
  class MemoryBell;
  std::shared_ptr<MemoryBell> bell_;  // shared with those who ring it
  std::atomic<bool> hears_bell_ = false;
  std::string script_;
  std::string sent_;
  std::optional<TlsInfo> tls_;
  bool tls_started_ = false;
  std::optional<TlsExpectation> expectation_;
  std::chrono::seconds deadline_{0};
};

}  // namespace todoke::net
