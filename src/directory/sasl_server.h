#pragma once

#include "base/result.h"
#include "base/task.h"
#include "directory/model.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::net {
class Stream;
}

namespace todoke::directory {

class Directory;

// One SASL exchange (RFC 4422) as SMTP, POP3 and IMAP all hold it: PLAIN, LOGIN, SCRAM-SHA-256 and
// SCRAM-SHA-256-PLUS.  The protocol only carries the bytes to and fro in base64.
class SaslServer {
 public:
  // `io` tells of TLS and channel binding and who calls; both outlive the exchange.
  SaslServer(Directory& directory, const net::Stream& io, Service service);
  ~SaslServer();

  // What to offer on this connection, strongest first: PLAIN and LOGIN only under TLS, or when
  // `allow_plain_text` says that the listener is trusted; -PLUS only under TLS.
  static std::vector<std::string_view> mechanisms(const net::Stream& io, bool allow_plain_text);

  struct Step {
    enum class Kind { challenge, done, failed };
    Kind kind = Kind::failed;
    std::string challenge;  // to send, not yet in base64; may be empty
    Principal principal;    // when done
    Error error{};          // when failed: denied, over_limit (throttled), invalid (bad exchange)
  };
  // `mechanism` in upper case, one of mechanisms(); `initial` decoded, if the client sent one.
  [[nodiscard]] Task<Step> start(std::string mechanism, std::optional<std::string> initial);
  // The client's next message, decoded.  SCRAM sends its final message as a last challenge; the
  // client's answer to it (empty) completes the exchange.
  [[nodiscard]] Task<Step> respond(std::string message);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace todoke::directory
