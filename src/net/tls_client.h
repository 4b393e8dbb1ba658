#pragma once

#include "base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace todoke::net {

// RFC 6698 §2.1: the numbers as they stand in the record, the data as bytes.
struct TlsaRecord {
  std::uint8_t usage = 0;
  std::uint8_t selector = 0;
  std::uint8_t matching = 0;
  std::string data;

  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};

// Whom a connection is meant to reach, and what is to vouch for it.
struct TlsExpectation {
  enum class Verify {
    none,     // any certificate does; TlsInfo says afterwards whether it would have been in order
    web_pki,  // a chain to a known authority, and one of `names`
    dane,     // RFC 7672: one of `tlsa` of usage 2 or 3, looked up securely.  When not one of them
              // can be used, any certificate does (RFC 7672 §2.2), and TlsInfo says so
  };
  std::string server_name;  // asked for by SNI when it is a name; for DANE the TLSA base domain
  Verify verify = Verify::none;
  // Names that the certificate may be for; with none, `server_name`.  ".example.jp" takes any name
  // below that domain, "*.example.jp" one with a single label more.
  std::vector<std::string> names;
  std::vector<TlsaRecord> tlsa;
};

// An immutable TLS client setup: TLS 1.2 and 1.3, the authorities that are trusted, and the
// sessions of earlier connections, so that the next one to the same server with the same
// expectation resumes.  Held by shared_ptr<const>, by every connection too.  Any thread.
class TlsClient {
 public:
  // `ca_file` holds trusted authorities in PEM form; empty: those of the system.
  static Result<std::shared_ptr<const TlsClient>> create(const std::string& ca_file = {});
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // For net/ itself.
  ssl_ctx_st* native() const { return context_; }
  class Sessions;
  Sessions& sessions() const { return *sessions_; }

 private:
  TlsClient();
  ssl_ctx_st* context_ = nullptr;
  std::unique_ptr<Sessions> sessions_;  // guards itself
};

}  // namespace todoke::net
