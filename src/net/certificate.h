#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace todoke::net {

// What a person must know of a certificate.
struct CertificateFacts {
  Time not_before{};
  Time not_after{};
  std::vector<std::string> names;  // it is for, lower case; "*.example.jp" is one
  bool self_signed = false;
};

// Reads the first certificate of a PEM file.
Result<CertificateFacts> read_certificate(const std::string& path);

// Whether one of `names` is `host`, or covers it as a wildcard of one label.
bool covers(const std::vector<std::string>& names, std::string_view host);

}  // namespace todoke::net
