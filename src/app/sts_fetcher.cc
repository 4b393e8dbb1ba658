#include "app/sts_fetcher.h"

#include "base/ascii.h"

#include <fmt/format.h>

namespace todoke::app {

http::Request sts_request(const std::string& domain) {
  return {.host = "mta-sts." + domain, .path = "/.well-known/mta-sts.txt", .accept = "text/plain"};
}

// RFC 8461 §3.3: 200 alone will do, and redirects are not followed.  RFC 8461 §3.2: the media type
// guards against files that somebody else may put there.
Result<std::string> sts_file(http::Response response) {
  if (response.status != 200)
    return fail(Errc::unavailable, fmt::format("the web server says {}", response.status));
  std::string_view type = response.content_type;
  type = ascii::trim(type.substr(0, type.find(';')));
  if (!ascii::equal_ignoring_case(type, "text/plain"))
    return fail(Errc::unavailable, "the policy is not served as text/plain");
  return std::move(response.body);
}

Task<Result<std::string>> HttpsStsFetcher::fetch(std::string domain) {
  auto request = sts_request(domain);
  CO_TRY(auto response, co_await client_.get(std::move(request)));
  co_return sts_file(std::move(response));
}

}  // namespace todoke::app
