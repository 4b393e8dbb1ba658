#pragma once

#include "http/client.h"
#include "trust/sts_cache.h"

#include <string>

namespace todoke::app {

// Fetches MTA-STS policy files with the HTTP client, which must outlive it.
class HttpsStsFetcher final : public trust::StsFetcher {
 public:
  explicit HttpsStsFetcher(http::Client& client) : client_(client) {}
  [[nodiscard]] Task<Result<std::string>> fetch(std::string domain) override;

 private:
  http::Client& client_;
};

// Where the policy of a domain lies (RFC 8461 §3.3).
http::Request sts_request(const std::string& domain);
// The policy file in a response; otherwise Errc::unavailable says why there is none.
Result<std::string> sts_file(http::Response response);

}  // namespace todoke::app
