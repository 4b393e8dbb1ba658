#include "net/certificate.h"

#include "base/ascii.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <memory>

namespace todoke::net {
namespace {

template <auto function>
struct FreeWith {
  template <class T>
  void operator()(T* object) const {
    function(object);
  }
};

Time to_time(const ASN1_TIME* at) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(at, &parts) != 1) return {};
  return Time(std::chrono::seconds(::timegm(&parts)));
}

std::string to_text(const ASN1_STRING* text) {
  return ascii::to_lower(
      std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(ASN1_STRING_length(text))));
}

void free_names(GENERAL_NAMES* names) {
  GENERAL_NAMES_free(names);
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> found;
  std::unique_ptr<GENERAL_NAMES, FreeWith<free_names>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) found.push_back(to_text(name->d.dNSName));
  }
  return found;
}

}  // namespace

Result<CertificateFacts> read_certificate(const std::string& path) {
  std::unique_ptr<std::FILE, FreeWith<std::fclose>> file(std::fopen(path.c_str(), "re"));
  if (!file) return fail(Errc::not_found, "cannot read " + path);
  std::unique_ptr<X509, FreeWith<X509_free>> certificate(
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(Errc::invalid, path + " holds no certificate in PEM form");
  return CertificateFacts{
      .not_before = to_time(X509_get0_notBefore(certificate.get())),
      .not_after = to_time(X509_get0_notAfter(certificate.get())),
      .names = alternative_names(certificate.get()),
      .self_signed = X509_NAME_cmp(X509_get_subject_name(certificate.get()),
                                   X509_get_issuer_name(certificate.get())) == 0};
}

bool covers(const std::vector<std::string>& names, std::string_view host) {
  auto wanted = ascii::to_lower(host);
  return std::ranges::any_of(names, [&](const std::string& name) {
    if (name == wanted) return true;
    auto dot = wanted.find('.');
    return name.starts_with("*.") && dot != wanted.npos && wanted.substr(dot) == name.substr(1);
  });
}

}  // namespace todoke::net
