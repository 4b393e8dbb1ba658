#include "trust/mta_sts.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::trust;

namespace {

using Mode = MtaStsPolicy::Mode;

std::optional<std::string> id_of(const std::vector<std::string>& records) {
  return mta_sts_id(records);
}

MtaStsPolicy policy_for(std::vector<std::string> mx) {
  return {.mode = Mode::enforce, .max_age = std::chrono::days(7), .mx = std::move(mx)};
}

}  // namespace

TEST_CASE("mta-sts: records") {
  CHECK(id_of({"v=STSv1; id=20160831085700Z;"}) == "20160831085700Z");  // RFC 8461 §3.1
  CHECK(id_of({"v=STSv1;id=1"}) == "1");
  CHECK(id_of({"v=STSv1 ;\tid=1 ; "}) == "1");
  CHECK(id_of({"v=STSv1; ext.a-1_b=x:y/z; id=1"}) == "1");
  CHECK(id_of({"v=STSv1; id=1; id=2"}) == "1");
  CHECK(id_of({"v=spf1 -all", "v=STSv1; id=1;", "v=STSv10; id=2;"}) == "1");
  const std::vector<std::string> none[] = {
      {},
      {""},
      {"v=STSv1"},
      {"v=STSv1;"},
      {"v=STSv1; id=;"},
      {"v=STSv1; id=a-b;"},
      {"v=STSv1; id=123456789012345678901234567890123;"},
      {"v=STSv1; id=1 2;"},
      {"v=STSv1; id=1; nothing"},
      {"v=STSv1; id=1;; x=y"},
      {"v=STSv1; id=1; =y"},
      {"v=STSv1; id=1; x="},
      {"v=STSv1; id=1; x=a=b"},
      {"v=stsv1; id=1;"},
      {" v=STSv1; id=1;"},
      {"id=1; v=STSv1;"},
      {"v=STSv1; ID=1;"},
      {"v=STSv1; id=1;", "v=STSv1; id=1;"},
  };
  for (const auto& records : none) {
    CAPTURE(records.empty() ? "no record" : records[0]);
    CHECK(!id_of(records));
  }
}

TEST_CASE("mta-sts: the example of RFC 8461 §3.2") {
  for (std::string_view end : {"\r\n", "\n", " \t\n"}) {
    std::string file;
    for (std::string_view line :
         {"version: STSv1", "mode: enforce", "mx: mail.example.com", "mx: *.example.net",
          "mx: backupmx.example.com", "max_age: 604800"})
      file.append(line).append(end);
    auto policy = parse_mta_sts_policy(file);
    REQUIRE(policy);
    CHECK(policy->mode == Mode::enforce);
    CHECK(policy->max_age == std::chrono::days(7));
    CHECK(policy->mx ==
          std::vector<std::string>{"mail.example.com", "*.example.net", "backupmx.example.com"});
  }
}

TEST_CASE("mta-sts: what policies may look like") {
  auto policy = parse_mta_sts_policy(
      "max_age:99999999\nversion:STSv1\n\nfuture_field: what: ever\nmode:testing\nmode: enforce\n"
      "max_age: 1\nmx:\tMX.Example.COM");
  REQUIRE(policy);
  CHECK(policy->mode == Mode::testing);
  CHECK(policy->max_age == mta_sts_max_age);
  CHECK(policy->mx == std::vector<std::string>{"mx.example.com"});
  policy = parse_mta_sts_policy("version: STSv1\nmode: none\nmax_age: 0\n");
  REQUIRE(policy);
  CHECK(policy->mode == Mode::none);
}

TEST_CASE("mta-sts: what is no policy") {
  const std::string good = "version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.example\n";
  REQUIRE(parse_mta_sts_policy(good));
  for (std::string_view file :
       {"", "\n", "version: STSv1\nmode: enforce\nmax_age: 1\n", "mode: none\nmax_age: 1\n",
        "version: STSv1\nmax_age: 1\n", "version: STSv1\nmode: none\n",
        "version: STSv2\nmode: none\nmax_age: 1\n", "version: STSv1\nmode: Enforce\nmax_age: 1\n",
        "version: STSv1\nmode: none\nmax_age: -1\n", "version: STSv1\nmode: none\nmax_age: 1d\n",
        "version: STSv1\nmode: none\nmax_age: 00000000001\n", "<html><body>Not found</body></html>",
        "version: STSv1\nmode: none\nmax_age:\n"}) {
    CAPTURE(file);
    CHECK(!parse_mta_sts_policy(file));
  }
  for (std::string_view line :
       {"mx: ", "mx: *", "mx: *.", "mx: *.*.example", "mx: a.*.example", "mx: a..example",
        "mx: .example", "mx: a.example.", "mx: -a.example", "mx: a b.example", "mx: 例え.jp",
        "mx: [192.0.2.1]", "nothing", ": x", "na me: x", "\x01: x"}) {
    CAPTURE(line);
    CHECK(!parse_mta_sts_policy(good + std::string(line)));
  }
  CHECK(!parse_mta_sts_policy(good + "mx: " + std::string(64, 'a') + ".example"));
  auto long_one = parse_mta_sts_policy(good + std::string(max_mta_sts_policy, '\n'));
  REQUIRE(!long_one);
  CHECK(long_one.error().code == Errc::over_limit);
}

TEST_CASE("mta-sts: which servers a policy names") {
  const auto policy = policy_for({"mail.example.com", "*.example.net"});
  for (auto host : {"mail.example.com", "MAIL.Example.COM", "mail.example.com.", "a.example.net",
                    "mx1.EXAMPLE.net."})
    CHECK(names_mx(policy, host));
  for (auto host : {"", ".", "example.com", "a.mail.example.com", "example.net", ".example.net",
                    "a.b.example.net", "badexample.net", "a.example.net.evil.example",
                    "mail.example.comm", "*.example.com"})
    CHECK_FALSE(names_mx(policy, host));
  CHECK_FALSE(names_mx(policy_for({}), "a.example"));
}
