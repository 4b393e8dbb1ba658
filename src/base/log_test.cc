#include "base/log.h"

#include "base/metrics.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <sstream>

using namespace todoke;

namespace {
std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}
}  // namespace

TEST_CASE("lines are structured, escaped and counted") {
  std::string path = std::tmpnam(nullptr);
  log::start({.level = log::Level::info, .format = log::Format::json, .file = path});
  log::debug("test.hidden");
  log::info("test.shown", {{"to", "a\"b\nc"}, {"reply", 550}, {"ok", true}});
  log::stop();
  auto text = slurp(path);
  CHECK(text.find(R"("event":"test.shown","to":"a\"b\nc","reply":550,"ok":true})") != text.npos);
  CHECK(text.find("hidden") == text.npos);
  CHECK(metrics::render().find("todoke_events_total{event=\"test.shown\"} 1\n") !=
        std::string::npos);
  std::remove(path.c_str());
}

TEST_CASE("text lines cannot be forged") {
  std::string path = std::tmpnam(nullptr);
  log::start({.file = path});
  log::warn("test.forge", {{"helo", "x\r\n2026 error fake"}});
  log::stop();
  auto text = slurp(path);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.find(R"(helo="x\r\n2026 error fake")") != text.npos);
  std::remove(path.c_str());
}

TEST_CASE("gauges and histograms stand on the page while they live") {
  {
    metrics::Gauge gauge("test_gauge", "A test.", "kind=\"x\"", [] { return 42; });
    metrics::Histogram histogram("test_seconds", "A test.", 0.001);
    histogram.observe(0.0015);
    histogram.observe(1e9);
    auto page = metrics::render();
    CHECK(page.find("todoke_test_gauge{kind=\"x\"} 42\n") != page.npos);
    CHECK(page.find("todoke_test_seconds_bucket{le=\"0.001\"} 0\n") != page.npos);
    CHECK(page.find("todoke_test_seconds_bucket{le=\"0.002\"} 1\n") != page.npos);
    CHECK(page.find("todoke_test_seconds_count 2\n") != page.npos);
  }
  CHECK(metrics::render().find("test_gauge") == std::string::npos);
}
