#include "net/tls.h"

#include "base/ascii.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <fcntl.h>
#include <mutex>
#include <unistd.h>

namespace todoke::net {
namespace {

std::string openssl_error() {
  char text[256] = "unknown error";
  if (auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return text;
}

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const auto* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                          static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    names.push_back(ascii::to_lower(text));
  }
  GENERAL_NAMES_free(alternatives);
  return names;
}

bool covers(std::string_view pattern, std::string_view name) {
  if (pattern == name) return true;
  auto dot = name.find('.');
  return pattern.starts_with("*.") && dot != name.npos && pattern.substr(1) == name.substr(dot);
}

int choose_certificate(SSL* ssl, int*, void* argument) {
  const auto* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  auto* context = static_cast<const TlsContext*>(argument)->for_name(ascii::to_lower(name));
  SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

Result<SSL_CTX*> make_context(const CertificateFiles& files) {
  auto* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("todoke"), 6);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    auto why = openssl_error();
    SSL_CTX_free(context);
    return fail(Errc::invalid, fmt::format("TLS certificate {} with key {}: {}", files.certificate,
                                           files.key, why));
  }
  return context;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(EVP_PKEY* key, const std::string& host) {
  constexpr long ten_years = 10L * 365 * 24 * 3600;
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(time(nullptr)));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), ten_years);
  X509_set_pubkey(certificate.get(), key);
  auto* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_subject_alt_name, "DNS:" + host + ",DNS:localhost");
  add_extension(certificate.get(), NID_basic_constraints, "CA:FALSE");
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

Result<FILE*> create_file(const std::string& path, mode_t mode) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0) return fail(Errc::unavailable, fmt::format("cannot write {}", path));
  return fdopen(fd, "w");
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(
    const std::vector<CertificateFiles>& files) {
  if (files.empty()) return fail(Errc::invalid, "no TLS certificate is configured");
  std::shared_ptr<TlsContext> made(new TlsContext);
  for (const auto& one : files) {
    TRY(auto* context, make_context(one));
    made->contexts_.push_back(context);
    made->names_.push_back(names_of(SSL_CTX_get0_certificate(context)));
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, made.get());
  }
  return made;
}

TlsContext::~TlsContext() {
  for (auto* context : contexts_) SSL_CTX_free(context);
}

ssl_ctx_st* TlsContext::for_name(std::string_view server_name) const {
  for (std::size_t i = 0; i < contexts_.size(); ++i)
    for (const auto& pattern : names_[i])
      if (covers(pattern, server_name)) return contexts_[i];
  return contexts_.front();
}

struct TlsHolder::Slot {
  mutable std::mutex mutex;
  std::shared_ptr<const TlsContext> context;
};

TlsHolder::TlsHolder(std::vector<CertificateFiles> files)
    : files_(std::move(files)), slot_(std::make_unique<Slot>()) {}
TlsHolder::~TlsHolder() = default;

Result<> TlsHolder::reload() {
  TRY(auto fresh, TlsContext::load(files_));
  std::lock_guard lock(slot_->mutex);
  slot_->context = std::move(fresh);
  return {};
}

std::shared_ptr<const TlsContext> TlsHolder::current() const {
  std::lock_guard lock(slot_->mutex);
  return slot_->context;
}

Result<> write_self_signed(const std::string& host, const CertificateFiles& files) {
  Key key(EVP_EC_gen("P-256"));
  if (!key) return fail(Errc::unavailable, "cannot make a key: " + openssl_error());
  auto certificate = make_certificate(key.get(), host);
  TRY(auto* key_file, create_file(files.key, 0600));
  bool written =
      PEM_write_PrivateKey(key_file, key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1;
  written &= std::fclose(key_file) == 0;
  TRY(auto* certificate_file, create_file(files.certificate, 0644));
  written &= PEM_write_X509(certificate_file, certificate.get()) == 1;
  written &= std::fclose(certificate_file) == 0;
  if (!written) return fail(Errc::unavailable, "cannot write " + files.certificate);
  return {};
}

}  // namespace todoke::net
