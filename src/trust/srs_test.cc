#include "trust/srs.h"

#include "base/ascii.h"

#include <doctest/doctest.h>

using namespace todoke;
using namespace todoke::trust;

namespace {

const Time now = from_micros(1'795'316'400'000'000);  // 2026-11-22
const Srs srs("secret", "ours.example");

std::string without_hash(const std::string& local) {
  auto begin = local.find('=') + 1;
  return local.substr(0, begin) + local.substr(local.find('=', begin) + 1);
}

}  // namespace

TEST_CASE("srs: there and back") {
  const SrsAddress senders[] = {{"ann", "example.com"},    {"a=b=c", "example.com"},
                                {"a..b.", "docomo.ne.jp"}, {"with space", "xn--wgv71a119e.jp"},
                                {"花子", "例え.jp"},       {"SRS", "example.com"},
                                {"srs0", "example.com"}};
  for (const auto& sender : senders) {
    CAPTURE(sender.local);
    auto rewritten = srs.rewrite(sender, now);
    REQUIRE(rewritten);
    CHECK(rewritten->domain == "ours.example");
    CHECK(rewritten->local.starts_with("SRS0="));
    CHECK(rewritten->local.ends_with("=" + sender.domain + "=" + sender.local));
    CHECK(Srs::is_srs(rewritten->local));
    CHECK(srs.reverse(rewritten->local, now) == sender);
  }
  auto own = srs.rewrite({"Ann", "OURS.example"}, now);
  CHECK(own == SrsAddress{"Ann", "OURS.example"});
}

TEST_CASE("srs: the case of letters is lost on the way, and nothing else may be") {
  const auto local = srs.rewrite({"Ann", "Example.com"}, now)->local;
  for (const auto& text : {ascii::to_lower(local), ascii::to_upper(local)}) {
    auto back = srs.reverse(text, now);
    REQUIRE(back);
    CHECK(ascii::to_lower(back->local) == "ann");
    CHECK(ascii::to_lower(back->domain) == "example.com");
  }
  for (std::size_t i = 0; i < local.size(); ++i) {
    auto other = local;
    other[i] = other[i] == 'x' ? 'y' : 'x';
    CAPTURE(other);
    auto back = srs.reverse(other, now);
    REQUIRE(!back);
    CHECK(back.error().code == Errc::invalid);
    CHECK(!srs.reverse(local.substr(0, i), now));
  }
  CHECK(!Srs("other", "ours.example").reverse(local, now));
}

TEST_CASE("srs: validity") {
  using std::chrono::days;
  for (int start : {0, 1, 500, 1023}) {
    const auto made = now + days(start);
    const auto local = srs.rewrite({"ann", "example.com"}, made)->local;
    CHECK(srs.reverse(local, made + days(30)));
    CHECK(srs.reverse(local, made - days(1)));
    for (int late : {31, 100, 500, 1000}) {
      auto back = srs.reverse(local, made + days(late));
      REQUIRE(!back);
      CHECK(back.error().code == Errc::denied);
    }
  }
}

TEST_CASE("srs: what was forwarded before") {
  const Srs second("second secret", "second.example"), third("third secret", "third.example");
  const SrsAddress sender{"ann", "example.com"};
  const auto once = *srs.rewrite(sender, now);
  const auto twice = *second.rewrite(once, now);
  CHECK(twice.domain == "second.example");
  CHECK(without_hash(twice.local) == "SRS1=ours.example=" + once.local.substr(4));
  const auto thrice = *third.rewrite(twice, now);
  CHECK(thrice.domain == "third.example");
  CHECK(without_hash(thrice.local) == without_hash(twice.local));

  // The way back leaves out the second.
  CHECK(third.reverse(thrice.local, now) == once);
  CHECK(second.reverse(twice.local, now) == once);
  CHECK(srs.reverse(once.local, now) == sender);
  CHECK(!second.reverse(thrice.local, now));
  // Others' separators stay.
  const auto plus = *second.rewrite({"SRS0+abcd=ef=example.com=ann", "first.example"}, now);
  CHECK(second.reverse(plus.local, now) ==
        SrsAddress{"SRS0+abcd=ef=example.com=ann", "first.example"});
}

// A hash that was given for an SRS1 address does not open an SRS0 address.
TEST_CASE("srs: the two forms do not stand for each other") {
  const auto local = srs.rewrite({"SRS0-victim.example=bob", "ab"}, now)->local;
  CHECK(srs.reverse(local, now));
  CHECK(!srs.reverse("SRS0" + local.substr(4), now));
}

TEST_CASE("srs: what cannot be rewritten or reversed") {
  auto code = [](const SrsAddress& sender) { return srs.rewrite(sender, now).error().code; };
  CHECK(code({"", ""}) == Errc::invalid);
  CHECK(code({"ann", "[192.0.2.1]"}) == Errc::invalid);
  CHECK(code({"SRS1=hash", "example.com"}) == Errc::invalid);
  CHECK(code({"SRS1=hash=host", "example.com"}) == Errc::invalid);
  CHECK(code({"SRS1=hash=ho st==rest", "example.com"}) == Errc::invalid);
  CHECK(code({std::string(40, 'a'), "a-long-domain.example.com"}) == Errc::over_limit);
  CHECK(srs.rewrite({std::string(35, 'a'), "example.com"}, now)->local.size() == 64);
  for (auto local : {"", "ann", "SRS0", "SRS0=", "SRS0==", "SRS0===", "SRS1=====", "SRS0=a=b=c=d",
                     "SRS2=a=b=c=d", "SRS0a=b=c=d"})
    CHECK(!srs.reverse(local, now));
  CHECK(!Srs::is_srs("srs0"));
  CHECK(!Srs::is_srs("srs01=a"));
  CHECK(Srs::is_srs("srs0-a"));
}
