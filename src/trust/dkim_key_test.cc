#include "trust/dkim_key.h"

#include "trust/host_name.h"
#include "trust/test_vectors.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace todoke;
using namespace todoke::trust;
using std::chrono::days;

namespace {

const Time start = from_micros(1'795'316'400'000'000);  // 2026-11-22
constexpr auto none = std::chrono::microseconds::zero();

// As the key ring writes a plan down.
void write_down(std::vector<DkimKey>& keys, const Result<DkimRotation>& plan) {
  REQUIRE(plan.has_value());
  for (auto& key : keys)
    if (std::ranges::find(plan->retiring, key.selector) != plan->retiring.end())
      key.retired_at = plan->fresh.front().active_from;
  keys.insert(keys.end(), plan->fresh.begin(), plan->fresh.end());
}

std::string selectors_at(const std::vector<DkimKey>& keys, Time now) {
  std::string out;
  for (const auto* key : signing_keys(keys, now)) out += key->selector + " ";
  return out;
}
std::string records_at(const std::vector<DkimKey>& keys, Time now) {
  std::string out;
  for (const auto& record : dkim_records(keys, now))
    out += record.name.substr(0, record.name.find('.')) + " ";
  return out;
}

}  // namespace

TEST_CASE("dkim key: the life of the first keys") {
  std::vector<DkimKey> keys;
  CHECK(plan_rotation("example.jp", keys, start, days(2)).error().code == Errc::not_found);
  write_down(keys, plan_first_keys("example.jp", keys, start, none));
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].selector == "t202611r");
  CHECK(keys[0].algorithm == crypto::KeyAlgorithm::rsa);
  CHECK(keys[1].selector == "t202611e");
  CHECK(keys[1].algorithm == crypto::KeyAlgorithm::ed25519);
  CHECK(keys[0].domain == "example.jp");
  CHECK(selectors_at(keys, start) == "t202611r t202611e ");
  CHECK(plan_first_keys("example.jp", keys, start, none).error().code == Errc::conflict);

  std::vector<DkimKey> later;
  write_down(later, plan_first_keys("example.jp", later, start, days(2)));
  CHECK(selectors_at(later, start) == "");
  CHECK(records_at(later, start) == "t202611r t202611e ");
  CHECK(selectors_at(later, start + days(2)) == "t202611r t202611e ");
  CHECK(plan_first_keys("example.jp", later, start, none).error().code == Errc::conflict);
}

TEST_CASE("dkim key: a rotation overlaps") {
  std::vector<DkimKey> keys;
  write_down(keys, plan_first_keys("example.jp", keys, start, none));
  const auto rotated = start + days(20);  // 12 December
  write_down(keys, plan_rotation("example.jp", keys, rotated, days(2)));
  REQUIRE(keys.size() == 4);
  constexpr auto old_ones = "t202611r t202611e ", new_ones = "t202612r t202612e ";
  constexpr auto all = "t202611r t202611e t202612r t202612e ";
  const auto tick = std::chrono::microseconds(1);
  const auto taken_over = rotated + days(2);

  CHECK(selectors_at(keys, rotated) == old_ones);
  CHECK(records_at(keys, rotated) == all);
  CHECK(state_of(keys[2], rotated) == DkimKeyState::waiting);
  CHECK(plan_rotation("example.jp", keys, rotated, days(2)).error().code == Errc::conflict);
  CHECK(selectors_at(keys, taken_over - tick) == old_ones);
  // There is never a moment when nobody signs, or two.
  CHECK(selectors_at(keys, taken_over) == new_ones);
  CHECK(state_of(keys[0], taken_over) == DkimKeyState::retired);
  CHECK(records_at(keys, taken_over + days(7) - tick) == all);
  CHECK(records_at(keys, taken_over + days(7)) == new_ones);
  CHECK(state_of(keys[0], taken_over + days(7)) == DkimKeyState::gone);

  // Again in the same month, at once.
  const auto again = taken_over + tick;
  write_down(keys, plan_rotation("example.jp", keys, again, none));
  CHECK(selectors_at(keys, again) == "t202612r2 t202612e2 ");
  CHECK(state_of(keys[2], again) == DkimKeyState::retired);
}

TEST_CASE("dkim key: the newest of its algorithm signs") {
  std::vector<DkimKey> keys;
  write_down(keys, plan_first_keys("example.jp", keys, start, none));
  keys.push_back(keys[0]);
  keys.back().selector = "imported";
  keys.back().active_from += days(1);
  CHECK(selectors_at(keys, start) == "t202611r t202611e ");
  CHECK(selectors_at(keys, start + days(1)) == "imported t202611e ");
  keys[1].retired_at = start;
  CHECK(selectors_at(keys, start + days(1)) == "imported ");
}

// The records of RFC 8463 §A.2, with other selectors.
TEST_CASE("dkim key: records") {
  DkimKey key{.domain = "football.example.com",
              .selector = "brisbane",
              .algorithm = crypto::KeyAlgorithm::ed25519,
              .public_key = rfc8463::ed25519_key().public_key()};
  CHECK(dkim_record(key) ==
        DkimRecord{"brisbane._domainkey.football.example.com",
                   "v=DKIM1; k=ed25519; p=" + std::string(rfc8463::ed25519_public)});
  CHECK(zone_line(dkim_record(key)) ==
        "brisbane._domainkey.football.example.com. IN TXT ( \"v=DKIM1; k=ed25519; "
        "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" )");
  key.algorithm = crypto::KeyAlgorithm::rsa;
  key.public_key = rfc8463::rsa_key().public_key();
  CHECK(dkim_record(key).value == "v=DKIM1; k=rsa; p=" + std::string(rfc8463::rsa_public));
}

TEST_CASE("dkim key: long records are cut into strings") {
  for (std::size_t size : {1, 255, 256, 510, 511}) {
    const DkimRecord record{"name", std::string(size, 'x')};
    auto line = zone_line(record);
    REQUIRE(line.starts_with("name. IN TXT ("));
    std::string joined;
    std::size_t strings = 0;
    for (auto at = line.find('"'); at != std::string::npos; at = line.find('"', at + 1)) {
      const auto end = line.find('"', at + 1);
      CHECK(end - at - 1 <= 255);
      joined += line.substr(at + 1, end - at - 1);
      ++strings;
      at = end;
    }
    CHECK(joined == record.value);
    CHECK(strings == (size + 254) / 255);
  }
}

TEST_CASE("host names") {
  for (auto good : {"a", "example.com", "xn--wgv71a119e.jp", "a-b.1.2", "MX.Example"})
    CHECK(is_host_name(good));
  for (auto bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b.c", "a_b", "a b", "届け.jp",
                   "[192.0.2.1]", "a\r\nb"})
    CHECK_FALSE(is_host_name(bad));
  CHECK(is_host_name(std::string(63, 'a')));
  CHECK_FALSE(is_host_name(std::string(64, 'a')));
  std::string longest;
  for (int i = 0; i < 126; ++i) longest += "a.";
  CHECK(is_host_name(longest + "a"));
  CHECK_FALSE(is_host_name(longest + "aa"));
}
