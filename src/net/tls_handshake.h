#pragma once

#include "net/stream.h"
#include "net/tls_client.h"

#include <memory>
#include <optional>
#include <string>

struct ssl_st;
struct x509_st;
struct x509_store_ctx_st;

namespace todoke::net {

// The client's side of one TLS connection: what is expected, and what became of it.  Outlives the
// SSL object, which tells it of sessions to keep until its end.  Included by net/ only.
class ClientHandshake {
 public:
  ClientHandshake(std::shared_ptr<const TlsClient> client, TlsExpectation expectation);

  // Sets up SNI, verification and resumption.
  void prepare(ssl_st* ssl);
  // After the handshake.
  TlsInfo describe(ssl_st* ssl);
  // Why we ended the handshake, in words; empty when it was not us.
  std::string refusal() const { return refused_ ? why_not_ : ""; }

  // Called by OpenSSL: verifies a certificate, keeps a session.
  bool verify(x509_store_ctx_st* store);
  bool keep(ssl_st* ssl, void* session);

 private:
  using Verify = TlsExpectation::Verify;
  bool enable_dane(ssl_st* ssl);
  bool covers_name(x509_st* certificate) const;
  std::string explain(x509_store_ctx_st* store) const;
  std::string cache_key() const;

  std::shared_ptr<const TlsClient> client_;
  TlsExpectation expectation_;
  std::string key_;
  TlsInfo::Verified verified_ = TlsInfo::Verified::none;
  std::string why_not_;
  bool mandatory_ = false;  // the handshake fails unless something vouches for the certificate
  bool refused_ = false;
};

}  // namespace todoke::net
