#include "app/metrics_server.h"

#include "base/metrics.h"
#include "net/memory_stream.h"

#include <doctest/doctest.h>

using namespace todoke;

namespace {

std::string get(std::string request) {
  net::MemoryStream io(std::move(request));
  io.chunk = 3;
  block_on(app::serve_metrics(io));
  CHECK(io.deadline().count() > 0);
  return io.output();
}

}  // namespace

TEST_CASE("the page of metrics") {
  metrics::Gauge gauge("test_gauge", "For this test.", "", [] { return 1.0; });
  auto page = get("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
  CHECK(page.find("todoke_test_gauge 1") != page.npos);
  auto head = get("HEAD /metrics HTTP/1.1\r\n\r\n");
  CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));
}

TEST_CASE("health, and what is not there") {
  CHECK(get("GET /health?x=1 HTTP/1.0\r\n\r\n").ends_with("\r\n\r\nok\n"));
  CHECK(get("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
  CHECK(get("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
  CHECK(get("hello\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("requests are bounded") {
  CHECK(get("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 414 "));
  std::string many = "GET /health HTTP/1.1\r\n";
  for (int i = 0; i < 200; ++i) many += "X: " + std::string(100, 'a') + "\r\n";
  CHECK(get(many + "\r\n").starts_with("HTTP/1.1 431 "));
  CHECK_THROWS_AS(get("GET /health HTTP/1.1\r\nHost"), net::Closed);
}
