#include "net/tls_client.h"

#include "base/ascii.h"
#include "net/tls_handshake.h"
#include "net/tls_sessions.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <arpa/inet.h>
#include <ctime>

namespace todoke::net {
namespace {

// Where an SSL object keeps its ClientHandshake.
int handshake_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ClientHandshake* handshake_of(const SSL* ssl) {
  return static_cast<ClientHandshake*>(SSL_get_ex_data(ssl, handshake_index()));
}

int verify_certificate(X509_STORE_CTX* store, void*) {
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return handshake_of(ssl)->verify(store) ? 1 : 0;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* handshake = handshake_of(ssl);
  return handshake != nullptr && handshake->keep(ssl, session) ? 1 : 0;
}

bool is_address(const std::string& name) {
  in6_addr any{};
  return inet_pton(AF_INET, name.c_str(), &any) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

std::string to_date(const ASN1_TIME* at) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(at, &parts) != 1) return "a day that cannot be read";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

// What a certificate says it is for, printable and not too long.
std::string names_of(const X509* certificate) {
  constexpr std::size_t most = 3;
  std::string out;
  std::size_t count = 0;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS || ++count > most) continue;
    std::string text(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
        std::min<std::size_t>(static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)), 255));
    auto odd = [](char c) { return ascii::is_control(c) || ascii::is_8bit(c); };
    std::ranges::replace_if(text, odd, '?');
    if (!out.empty()) out += ", ";
    out += text;
  }
  GENERAL_NAMES_free(names);
  if (count > most) out += fmt::format(" and {} more names", count - most);
  return out.empty() ? "no name" : out;
}

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : " or ") + name;
  return out;
}

}  // namespace

TlsClient::TlsClient() : sessions_(std::make_unique<Sessions>()) {}

TlsClient::~TlsClient() {
  SSL_CTX_free(context_);
}

Result<std::shared_ptr<const TlsClient>> TlsClient::create(const std::string& ca_file) {
  std::shared_ptr<TlsClient> made(new TlsClient);
  auto* context = made->context_ = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_dane_enable(context);
  SSL_CTX_set_cert_verify_callback(context, verify_certificate, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  bool loaded = ca_file.empty()
                    ? SSL_CTX_set_default_verify_paths(context) == 1
                    : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  ERR_clear_error();
  if (!loaded)
    return fail(Errc::invalid,
                fmt::format("no certificates of authorities can be read from {}",
                            ca_file.empty() ? "the system's place for them" : ca_file));
  return made;
}

ClientHandshake::ClientHandshake(std::shared_ptr<const TlsClient> client,
                                 TlsExpectation expectation)
    : client_(std::move(client)), expectation_(std::move(expectation)) {
  if (expectation_.names.empty()) expectation_.names = {expectation_.server_name};
  key_ = cache_key();
}

void ClientHandshake::prepare(SSL* ssl) {
  SSL_set_ex_data(ssl, handshake_index(), this);
  const auto& name = expectation_.server_name;
  if (!name.empty() && !is_address(name)) SSL_set_tlsext_host_name(ssl, name.c_str());
  mandatory_ = expectation_.verify != Verify::none;
  if (expectation_.verify == Verify::dane && !enable_dane(ssl)) {
    mandatory_ = false;
    why_not_ = "no TLSA record of " + name + " can be used";
  }
  SSL_set_verify(ssl, mandatory_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (expectation_.verify == Verify::none) {
    // Whatever an old server can do is better than the clear text that would follow.
    SSL_set_security_level(ssl, 1);
    SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
  }
  if (auto kept = client_->sessions().take(key_)) {
    SSL_set_session(ssl, kept->session.get());
    verified_ = kept->verified;
    why_not_ = std::move(kept->why_not);
  }
}

// RFC 7672 §3.1: usages 2 and 3 only.  RFC 7672 §3.1.1: with usage 3 neither the certificate's
// names nor its dates matter.  False: no record can be used.
bool ClientHandshake::enable_dane(SSL* ssl) {
  SSL_dane_enable(ssl, expectation_.server_name.c_str());
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  for (const auto& name : expectation_.names) SSL_add1_host(ssl, name.c_str());
  bool usable = false;
  for (const auto& record : expectation_.tlsa) {
    if (record.usage != 2 && record.usage != 3) continue;
    usable |= SSL_dane_tlsa_add(ssl, record.usage, record.selector, record.matching,
                                reinterpret_cast<const unsigned char*>(record.data.data()),
                                record.data.size()) > 0;
  }
  ERR_clear_error();
  return usable;
}

bool ClientHandshake::verify(X509_STORE_CTX* store) {
  if (expectation_.verify == Verify::dane && !mandatory_) return true;
  bool good = X509_verify_cert(store) == 1;
  if (good && expectation_.verify != Verify::dane &&
      !covers_name(X509_STORE_CTX_get0_cert(store))) {
    good = false;
    X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  }
  why_not_ = good ? "" : explain(store);
  refused_ = !good && mandatory_;
  verified_ = !good                                 ? TlsInfo::Verified::none
              : expectation_.verify == Verify::dane ? TlsInfo::Verified::dane
                                                    : TlsInfo::Verified::web_pki;
  return good;
}

// RFC 6125 §6.4 by way of RFC 8461 §4.2: alternative names only, wildcards for one whole label.
bool ClientHandshake::covers_name(X509* certificate) const {
  constexpr unsigned strict =
      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
  return std::ranges::any_of(expectation_.names, [&](std::string_view name) {
    if (is_address(std::string(name)))
      return X509_check_ip_asc(certificate, std::string(name).c_str(), strict) == 1;
    bool one_label = name.starts_with("*.");
    if (one_label) name.remove_prefix(1);
    auto flags = strict | (one_label ? X509_CHECK_FLAG_SINGLE_LABEL_SUBDOMAINS : 0u);
    return !name.empty() &&
           X509_check_host(certificate, name.data(), name.size(), flags, nullptr) == 1;
  });
}

std::string ClientHandshake::explain(X509_STORE_CTX* store) const {
  auto* leaf = X509_STORE_CTX_get0_cert(store);
  auto* wrong = X509_STORE_CTX_get_current_cert(store);
  if (wrong == nullptr) wrong = leaf;
  std::string which = wrong == leaf ? "the certificate" : "a certificate of the chain";
  switch (auto error = X509_STORE_CTX_get_error(store); error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
      return fmt::format("the certificate is for {}, not for {}", names_of(leaf),
                         join(expectation_.names));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("{} expired on {}", which, to_date(X509_get0_notAfter(wrong)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("{} is valid from {} only", which, to_date(X509_get0_notBefore(wrong)));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate is self-signed";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "no authority that we know has issued the certificate";
    case X509_V_ERR_DANE_NO_MATCH:
      return "the certificate does not match the TLSA records of " + expectation_.server_name;
    default:
      return fmt::format("{} does not do: {}", which, X509_verify_cert_error_string(error));
  }
}

TlsInfo ClientHandshake::describe(SSL* ssl) {
  TlsInfo info{SSL_get_version(ssl), SSL_get_cipher_name(ssl), SSL_get_cipher_bits(ssl, nullptr),
               ascii::to_lower(expectation_.server_name)};
  info.verified = verified_;
  info.why_not = why_not_;
  info.resumed = SSL_session_reused(ssl) == 1;
  return info;
}

bool ClientHandshake::keep(SSL*, void* session) {
  TlsClient::Sessions::Kept kept;
  kept.session.reset(static_cast<SSL_SESSION*>(session));
  kept.verified = verified_;
  kept.why_not = why_not_;
  client_->sessions().keep(key_, std::move(kept));
  return true;
}

// A resumed session is not verified again, so that whatever the verdict depends on is in the key.
std::string ClientHandshake::cache_key() const {
  auto key = fmt::format("{}\n{}", static_cast<int>(expectation_.verify),
                         ascii::to_lower(expectation_.server_name));
  for (const auto& name : expectation_.names) key += "\n" + ascii::to_lower(name);
  for (const auto& record : expectation_.tlsa)
    key += fmt::format("\n{} {} {} {} ", record.usage, record.selector, record.matching,
                       record.data.size()) +
           record.data;
  return key;
}

}  // namespace todoke::net
