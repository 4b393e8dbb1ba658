#include "trust/sts_cache.h"

#include "dns/fake_resolver.h"

#include <doctest/doctest.h>

#include <map>

using namespace todoke;
using namespace todoke::trust;
using namespace std::chrono_literals;

namespace {

using Mode = MtaStsPolicy::Mode;

// Web servers that say what `files` has; no file: they do not answer.
struct WebServers final : StsFetcher {
  std::map<std::string, std::string> files;
  int fetches = 0;

  Task<Result<std::string>> fetch(std::string domain) override {
    ++fetches;
    auto found = files.find(domain);
    if (found == files.end()) co_return fail(Errc::unavailable, "connection refused");
    co_return found->second;
  }
};

struct Fixture {
  std::unique_ptr<sql::Db> db = sql::open_memory();
  SimulatedClock clock{from_micros(1'795'316'400'000'000)};  // 2026-11-22
  dns::FakeResolver resolver;
  WebServers web;
  StsPolicies policies{*db, clock, resolver, web};

  void publish(const std::string& domain, const std::string& id, const std::string& mode,
               std::chrono::seconds max_age = 24h * 7, const std::string& mx = "mx.example.jp") {
    publish_id(domain, id);
    web.files[domain] = "version: STSv1\r\nmode: " + mode + "\r\nmx: " + mx +
                        "\r\nmx: *.backup.example\r\nmax_age: " + std::to_string(max_age.count()) +
                        "\r\n";
  }
  void publish_id(const std::string& domain, const std::string& id) {
    resolver.clear("_mta-sts." + domain);
    resolver.add_txt("_mta-sts." + domain, "v=STSv1; id=" + id + ";");
  }
  MtaStsPolicy ask(const std::string& domain) { return block_on(policies.policy_for(domain)); }
  std::int64_t rows() {
    auto query = [](sql::Tx& tx) {
      return *tx.first<std::int64_t>("select count(*) from sts_policy");
    };
    return block_on(db->read(query));
  }
};

}  // namespace

TEST_CASE("sts: a policy is fetched once and kept, also by the next process") {
  Fixture f;
  f.publish("example.jp", "1", "enforce");
  auto policy = f.ask("Example.JP");
  CHECK(policy.mode == Mode::enforce);
  CHECK(policy.max_age == 24h * 7);
  CHECK(policy.mx == std::vector<std::string>{"mx.example.jp", "*.backup.example"});
  CHECK(f.ask("example.jp") == policy);
  CHECK(f.web.fetches == 1);
  StsPolicies next(*f.db, f.clock, f.resolver, f.web);
  CHECK(block_on(next.policy_for("example.jp")) == policy);
  CHECK(f.web.fetches == 1);
}

TEST_CASE("sts: a new id brings a new policy at once") {
  Fixture f;
  f.publish("example.jp", "1", "testing");
  CHECK(f.ask("example.jp").mode == Mode::testing);
  f.publish("example.jp", "2", "enforce");
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  CHECK(f.web.fetches == 2);
  CHECK(f.rows() == 1);
}

TEST_CASE("sts: a domain without a record has no policy, and is not asked at each turn") {
  Fixture f;
  CHECK(f.ask("plain.example").mode == Mode::none);
  CHECK(f.ask("plain.example").mode == Mode::none);
  CHECK(f.resolver.queries() == 1);
  f.publish("plain.example", "1", "enforce");
  f.clock.advance(10min);
  CHECK(f.ask("plain.example").mode == Mode::enforce);
  CHECK(f.ask("[192.0.2.1]").mode == Mode::none);
  CHECK(f.web.fetches == 1);
}

TEST_CASE("sts: a domain in kanji is asked for in A-labels") {
  Fixture f;
  f.publish("xn--r8jz45g.jp", "1", "enforce");
  CHECK(f.ask("例え.jp").mode == Mode::enforce);
}

TEST_CASE("sts: trouble with DNS is soon over, and no policy until then") {
  Fixture f;
  f.resolver.fail("_mta-sts.example.jp");
  CHECK(f.ask("example.jp").mode == Mode::none);
  f.publish("example.jp", "1", "enforce");
  CHECK(f.ask("example.jp").mode == Mode::none);
  f.clock.advance(1min);
  CHECK(f.ask("example.jp").mode == Mode::enforce);
}

// RFC 8461 §5.1: what is cached and has not expired must be applied.
TEST_CASE("sts: a kept policy outlives its record and its server, until it expires") {
  Fixture f;
  f.publish("example.jp", "1", "enforce", 24h * 3);
  const auto policy = f.ask("example.jp");
  f.web.files.clear();
  SUBCASE("the record is gone") {
    f.resolver.clear("_mta-sts.example.jp");
  }
  SUBCASE("DNS fails") {
    f.resolver.fail("_mta-sts.example.jp");
  }
  SUBCASE("there is a new id, and no file") {
    f.publish_id("example.jp", "2");
  }
  SUBCASE("there are two records") {
    f.resolver.add_txt("_mta-sts.example.jp", "v=STSv1; id=2;");
  }
  f.clock.advance(24h * 3 - 1s);
  CHECK(f.ask("example.jp") == policy);
  f.clock.advance(1s);
  CHECK(f.ask("example.jp").mode == Mode::none);
}

// RFC 8461 §3.3.
TEST_CASE("sts: a file that cannot be had is not asked for again at once") {
  Fixture f;
  f.publish_id("example.jp", "1");
  for (int i = 0; i < 3; ++i) CHECK(f.ask("example.jp").mode == Mode::none);
  CHECK(f.web.fetches == 1);
  f.clock.advance(10min);
  CHECK(f.ask("example.jp").mode == Mode::none);
  CHECK(f.web.fetches == 2);
  SUBCASE("a new id is another matter") {
    f.publish("example.jp", "2", "enforce");
    CHECK(f.ask("example.jp").mode == Mode::enforce);
  }
  SUBCASE("a file that is no policy is none") {
    f.web.files["example.jp"] = "<html>mode: enforce</html>";
    f.clock.advance(10min);
    CHECK(f.ask("example.jp").mode == Mode::none);
    CHECK(f.rows() == 0);
  }
}

// RFC 8461 §10.2.
TEST_CASE("sts: a policy in use is refreshed long before it expires") {
  Fixture f;
  f.publish("example.jp", "1", "enforce", 24h * 7);
  f.ask("example.jp");
  f.clock.advance(24h - 1s);
  f.ask("example.jp");
  CHECK(f.web.fetches == 1);
  f.clock.advance(1s);
  f.ask("example.jp");
  CHECK(f.web.fetches == 2);
  f.clock.advance(24h * 6 + 23h);
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  f.web.files.clear();
  f.clock.advance(24h);
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  auto fetches = f.web.fetches;
  f.clock.advance(59min);
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  CHECK(f.web.fetches == fetches);  // a failed refresh is not tried at each turn
  f.clock.advance(1min);
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  CHECK(f.web.fetches == fetches + 1);
}

TEST_CASE("sts: a domain takes its policy back by mode none") {
  Fixture f;
  f.publish("example.jp", "1", "enforce");
  CHECK(f.ask("example.jp").mode == Mode::enforce);
  f.publish("example.jp", "2", "none");
  CHECK(f.ask("example.jp").mode == Mode::none);
  f.resolver.clear("_mta-sts.example.jp");
  CHECK(f.ask("example.jp").mode == Mode::none);
}

TEST_CASE("sts: policies that have expired take no room") {
  Fixture f;
  f.publish("a.example", "1", "enforce", 1h);
  f.publish("b.example", "1", "enforce", 3h);
  f.ask("a.example");
  f.ask("b.example");
  CHECK(f.rows() == 2);
  f.clock.advance(2h);
  f.publish("c.example", "1", "enforce", 24h * 4000);
  CHECK(f.ask("c.example").max_age == mta_sts_max_age);
  CHECK(f.rows() == 2);
}
