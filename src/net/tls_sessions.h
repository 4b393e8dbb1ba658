#pragma once

#include "net/stream.h"
#include "net/tls_client.h"

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace todoke::net {

// The latest session with each server, and what came of verifying it.  A ticket is used once
// (RFC 8446 §C.4) and for an hour at most, so that no verdict is older than that.  Any thread.
// Included by net/ only.
class TlsClient::Sessions {
 public:
  struct Free {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  struct Kept {
    std::unique_ptr<SSL_SESSION, Free> session;
    TlsInfo::Verified verified = TlsInfo::Verified::none;
    std::string why_not;
  };

  void keep(const std::string& key, Kept kept);
  std::optional<Kept> take(const std::string& key);

 private:
  static constexpr std::size_t most = 2000;
  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
};

}  // namespace todoke::net
