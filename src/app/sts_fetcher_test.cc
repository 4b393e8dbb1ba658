#include "app/sts_fetcher.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::app;

// RFC 8461 §3.2, RFC 8461 §3.3.
TEST_CASE("sts fetcher: where a policy lies, and what counts as one") {
  auto request = sts_request("example.jp");
  CHECK(request.host == "mta-sts.example.jp");
  CHECK(request.path == "/.well-known/mta-sts.txt");
  CHECK(request.port == 443);

  const std::string file = "version: STSv1\n";
  CHECK(sts_file({200, "text/plain", file}) == file);
  CHECK(sts_file({200, "Text/Plain ; charset=utf-8", file}) == file);
  CHECK(sts_file({200, "text/html", file}).error().code == Errc::unavailable);
  CHECK(sts_file({200, "", file}).error().code == Errc::unavailable);
  for (int status : {201, 301, 404, 500}) CHECK_FALSE(sts_file({status, "text/plain", file}));
}
