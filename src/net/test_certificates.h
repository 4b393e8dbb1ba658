#pragma once

#include "net/tls.h"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

// Certificates of every kind, for tests.  Needs OpenSSL's headers: for tests of net/ only.
namespace todoke::test {

struct FreeX509 {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};

struct Identity {
  std::unique_ptr<X509, FreeX509> certificate;
  std::unique_ptr<EVP_PKEY, FreeX509> key;

  // SHA-256 of the public key, as in TLSA records of selector 1 and matching type 1.
  std::string key_digest() const {
    unsigned char* der = nullptr;
    auto size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
    std::string out(32, '\0');
    EVP_Digest(der, static_cast<std::size_t>(size), reinterpret_cast<unsigned char*>(out.data()),
               nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    return out;
  }
};

struct Wanted {
  std::string name;  // DNS name of a server, or the name of an authority
  bool authority = false;
  const Identity* issuer = nullptr;  // null: self-signed
  int valid_from_day = -1;           // from today
  int valid_to_day = 1;
};

inline Identity make_identity(const Wanted& wanted) {
  constexpr long day = 24 * 3600;
  Identity out{.certificate{X509_new()}, .key{EVP_EC_gen("P-256")}};
  auto* certificate = out.certificate.get();
  const auto& issuer = wanted.issuer != nullptr ? *wanted.issuer : out;
  X509_set_version(certificate, 2);
  static long serial = 1;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.valid_from_day * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.valid_to_day * day);
  X509_set_pubkey(certificate, out.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  auto add = [&](int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer.certificate.get(), certificate, nullptr, nullptr, 0);
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_basic_constraints, wanted.authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wanted.authority) add(NID_subject_alt_name, "DNS:" + wanted.name);
  REQUIRE(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0);
  return out;
}

// Writes the chain, and the key of its first member.
inline net::CertificateFiles write_identity(const std::filesystem::path& stem,
                                            const std::vector<const Identity*>& chain) {
  net::CertificateFiles files{stem.string() + ".pem", stem.string() + ".key"};
  auto* out = std::fopen(files.certificate.c_str(), "w");
  for (const auto* one : chain) PEM_write_X509(out, one->certificate.get());
  std::fclose(out);
  out = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(out, chain.front()->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  return files;
}

}  // namespace todoke::test
