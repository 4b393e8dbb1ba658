#pragma once

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;

namespace todoke::net {

// A certificate chain with its key, as PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

// An immutable TLS server setup: TLS 1.2 and 1.3, one or several certificates chosen by SNI, the
// first when none fits.  Held by shared_ptr<const>: a reload swaps the pointer, running connections
// keep theirs.  Each context has ticket keys of its own (mail-server rule R20).
class TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> load(const std::vector<CertificateFiles>& files);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* native() const { return contexts_.front(); }
  // The context whose certificate covers `server_name`, by exact name or one-label wildcard.
  ssl_ctx_st* for_name(std::string_view server_name) const;

 private:
  TlsContext() = default;
  std::vector<ssl_ctx_st*> contexts_;
  std::vector<std::vector<std::string>> names_;  // of each context's certificate, lower case
};

// Where every listener of a server finds the current context; reload() replaces it for new
// connections.  Any thread.
class TlsHolder {
 public:
  explicit TlsHolder(std::vector<CertificateFiles> files);
  ~TlsHolder();
  // Reads the files again; on failure the old context stays.
  Result<> reload();
  // Null until a reload() succeeded.
  std::shared_ptr<const TlsContext> current() const;

 private:
  std::vector<CertificateFiles> files_;
  struct Slot;
  std::unique_ptr<Slot> slot_;
};

// Writes a self-signed ECDSA P-256 certificate for `host` (and "localhost") valid for ten years,
// and its key readable by the owner only.  For the first start, until a real one is configured.
Result<> write_self_signed(const std::string& host, const CertificateFiles& files);

}  // namespace todoke::net
