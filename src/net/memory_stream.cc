#include "net/memory_stream.h"

#include <algorithm>
#include <cstring>
#include <mutex>

namespace todoke::net {

MemoryStream::MemoryStream(std::string input) : script_(std::move(input)) {
  peer_ = {.address = "192.0.2.1", .port = 4711, .local_address = "192.0.2.25", .local_port = 25};
}

class MemoryStream::MemoryBell final : public Bell {
 public:
  explicit MemoryBell(MemoryStream& stream) : stream_(&stream) {}
  void ring() override {
    std::lock_guard lock(mutex_);
    rung_ = true;
    if (stream_ != nullptr && stream_->on_ring) stream_->on_ring();
  }
  bool take() {
    std::lock_guard lock(mutex_);
    return std::exchange(rung_, false);
  }
  void forget_stream() {
    std::lock_guard lock(mutex_);
    stream_ = nullptr;
  }

 private:
  std::mutex mutex_;
  bool rung_ = false;
  MemoryStream* stream_;
};

MemoryStream::~MemoryStream() {
  if (bell_) bell_->forget_stream();
}

std::shared_ptr<Bell> MemoryStream::bell() {
  if (!bell_) bell_ = std::make_shared<MemoryBell>(*this);
  return bell_;
}

Task<bool> MemoryStream::receive_or_bell() {
  // Twice: whoever waits for us may have woken for a ring that we took already.
  for (int attempt = 0; attempt < 2 && script_.empty() && on_wait; ++attempt) {
    if (bell_ && bell_->take()) co_return false;
    hears_bell_ = true;
    on_wait(*this);
    hears_bell_ = false;
  }
  if (script_.empty() && bell_ && bell_->take()) co_return false;
  co_await receive();
  co_return true;
}

Task<> MemoryStream::receive() {
  if (script_.empty() && on_wait) on_wait(*this);
  if (script_.empty()) throw Closed("end of script", ends_with);
  auto room = make_room();
  auto bytes = std::min({room.size, chunk, script_.size()});
  std::memcpy(room.to, script_.data(), bytes);
  script_.erase(0, bytes);
  received(bytes);
  co_return;
}

Task<> MemoryStream::send() {
  if (writes_fail) throw Closed("the script takes no more", Closed::Reason::reset);
  sent_ += std::exchange(output_, {});
  co_return;
}

Task<> MemoryStream::start_tls(std::shared_ptr<const TlsContext>) {
  co_await flush();
  forget_input();
  tls_started_ = true;
  if (!tls_) tls_ = TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""};
}

Task<> MemoryStream::start_tls_client(std::shared_ptr<const TlsClient>,
                                      TlsExpectation expectation) {
  co_await flush();
  if (!buffered().empty())
    throw Closed("the server went on in the clear behind its consent to TLS", Closed::Reason::tls);
  expectation_ = std::move(expectation);
  if (!tls_failure.empty()) throw Closed(tls_failure, Closed::Reason::tls);
  tls_started_ = true;
  tls_ = agreed;
}

std::optional<std::string> MemoryStream::channel_binding(std::string_view type) const {
  if (!tls_ || type != "tls-exporter") return {};
  return std::string(32, 'b');
}

}  // namespace todoke::net
