#include "net/memory_stream.h"

#include <algorithm>
#include <cstring>

namespace todoke::net {

MemoryStream::MemoryStream(std::string input) : script_(std::move(input)) {
  peer_ = {.address = "192.0.2.1", .port = 4711, .local_address = "192.0.2.25", .local_port = 25};
}

Task<> MemoryStream::receive() {
  if (script_.empty() && on_wait) on_wait(*this);
  if (script_.empty()) throw Closed("end of script");
  auto room = make_room();
  auto bytes = std::min({room.size, chunk, script_.size()});
  std::memcpy(room.to, script_.data(), bytes);
  script_.erase(0, bytes);
  received(bytes);
  co_return;
}

Task<> MemoryStream::send() {
  sent_ += std::exchange(output_, {});
  co_return;
}

Task<> MemoryStream::start_tls(std::shared_ptr<const TlsContext>) {
  co_await flush();
  forget_input();
  tls_started_ = true;
  if (!tls_) tls_ = TlsInfo{"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, ""};
}

std::optional<std::string> MemoryStream::channel_binding(std::string_view type) const {
  if (!tls_ || type != "tls-exporter") return {};
  return std::string(32, 'b');
}

}  // namespace todoke::net
