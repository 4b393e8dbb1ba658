#include "dns/mail_hosts.h"

#include "dns/fake_resolver.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

using namespace todoke;
using namespace std::chrono_literals;
using dns::FakeResolver;
using dns::Families;
using dns::Loopback;
using dns::Type;

namespace {

Result<dns::MailHosts> mail_hosts(FakeResolver& fake, std::string domain, std::uint64_t seed = 1) {
  return block_on(dns::find_mail_hosts(fake, std::move(domain), seed));
}

Result<dns::HostAddresses> addresses(FakeResolver& fake, std::string host,
                                     Families families = Families::both,
                                     Loopback loopback = Loopback::skipped) {
  return block_on(dns::find_addresses(fake, std::move(host), families, loopback));
}

Result<std::vector<dns::Tlsa>> tlsa(FakeResolver& fake, std::string host) {
  return block_on(dns::find_tlsa(fake, std::move(host), 25));
}

std::vector<std::string> names(const dns::MailHosts& found) {
  std::vector<std::string> all;
  for (const auto& host : found.hosts) all.push_back(host.name);
  return all;
}

template <class T>
Errc error_of(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("mail goes to the hosts of the MX records, the lowest preference first") {
  FakeResolver fake;
  fake.set_ttl(5min)
      .add_mx("example.jp", 20, "b.example.jp")
      .add_mx("example.jp", 10, "A.example.jp.");
  auto found = mail_hosts(fake, "Example.JP");
  REQUIRE(found);
  CHECK(found->hosts == std::vector<dns::MailHost>{{10, "a.example.jp"}, {20, "b.example.jp"}});
  CHECK_FALSE(found->implicit);
  CHECK_FALSE(found->secure);
  CHECK(found->ttl == 5min);
  CHECK(fake.sign("jp").queries() == 1);
  CHECK(mail_hosts(fake, "example.jp")->secure);
}

TEST_CASE("hosts of equal preference are shuffled by the seed") {
  FakeResolver fake;
  fake.add_mx("example.jp", 5, "first.jp").add_mx("example.jp", 20, "last.jp");
  for (const char* host : {"a.jp", "b.jp", "c.jp"}) fake.add_mx("example.jp", 10, host);
  std::set<std::string> second;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    auto order = names(*mail_hosts(fake, "example.jp", seed));
    REQUIRE(order.size() == 5);
    CHECK(order.front() == "first.jp");
    CHECK(order.back() == "last.jp");
    second.insert(order[1]);
    CHECK(order == names(*mail_hosts(fake, "example.jp", seed)));
  }
  CHECK(second == std::set<std::string>{"a.jp", "b.jp", "c.jp"});
}

TEST_CASE("a domain without MX is its own host, if it has an address") {
  FakeResolver fake;
  fake.add_a("four.jp", "192.0.2.1").add_aaaa("six.jp", "2001:db8::1").add_txt("none.jp", "hello");
  for (const char* domain : {"four.jp", "six.jp"}) {
    auto found = mail_hosts(fake, domain);
    REQUIRE(found);
    CHECK(found->implicit);
    CHECK(found->hosts == std::vector<dns::MailHost>{{0, domain}});
  }
  CHECK(error_of(mail_hosts(fake, "none.jp")) == Errc::not_found);
  CHECK(error_of(mail_hosts(fake, "nowhere.jp")) == Errc::not_found);
}

TEST_CASE("a null MX refuses all mail, RFC 7505") {
  FakeResolver fake;
  fake.null_mx("example.jp").add_a("example.jp", "192.0.2.1");
  CHECK(error_of(mail_hosts(fake, "example.jp")) == Errc::denied);
  // Beside others it means nothing.
  fake.add_mx("example.jp", 10, "mx.example.jp");
  CHECK(names(*mail_hosts(fake, "example.jp")) == Names{"mx.example.jp"});
}

TEST_CASE("an alias of a domain is followed, RFC 5321 §5.1") {
  FakeResolver fake;
  fake.add_cname("old.jp", "new.jp").add_mx("new.jp", 10, "mx.new.jp");
  CHECK(names(*mail_hosts(fake, "old.jp")) == Names{"mx.new.jp"});
  fake.add_cname("www.jp", "host.jp").add_a("host.jp", "192.0.2.1");
  CHECK(names(*mail_hosts(fake, "www.jp")) == Names{"host.jp"});
}

TEST_CASE("DNS trouble is no verdict") {
  FakeResolver fake;
  fake.fail("example.jp");
  CHECK(error_of(mail_hosts(fake, "example.jp")) == Errc::unavailable);
  fake.clear("example.jp").add_txt("example.jp", "there").fail("example.jp", Type::aaaa);
  CHECK(error_of(mail_hosts(fake, "example.jp")) == Errc::unavailable);
  fake.clear("example.jp").add_aaaa("example.jp", "2001:db8::1").fail("example.jp", Type::a);
  CHECK(mail_hosts(fake, "example.jp")->implicit);
  fake.clear("example.jp").add_txt("example.jp", "there").fail("example.jp", Type::a);
  CHECK(error_of(mail_hosts(fake, "example.jp")) == Errc::unavailable);
}

TEST_CASE("MX records that name no possible host are passed over") {
  FakeResolver fake;
  for (const char* host : {"localhost", "192.0.2.1", "a b.jp", "mx.localhost"})
    fake.add_mx("example.jp", 10, host);
  fake.add("example.jp", Type::mx, "x");
  CHECK(error_of(mail_hosts(fake, "example.jp")) == Errc::not_found);
  fake.add_mx("example.jp", 30, "mx.jp").add_mx("example.jp", 20, "MX.jp");
  CHECK(mail_hosts(fake, "example.jp")->hosts == std::vector<dns::MailHost>{{20, "mx.jp"}});
}

TEST_CASE("at most 20 hosts are kept, the nearest") {
  FakeResolver fake;
  for (int i = 0; i < 100; ++i)
    fake.add_mx("example.jp", static_cast<std::uint16_t>(100 - i), fmt::format("mx{}.jp", i));
  auto found = mail_hosts(fake, "example.jp");
  REQUIRE(found);
  CHECK(found->hosts.size() == dns::max_mail_hosts);
  CHECK(found->hosts.front().name == "mx99.jp");
}

TEST_CASE("domains may have U-labels; what is no domain is not asked for") {
  FakeResolver fake;
  fake.add_mx("xn--08jw73k.jp", 10, "mx.jp");
  CHECK(mail_hosts(fake, "届け.jp"));
  const auto asked = fake.queries();
  CHECK(error_of(mail_hosts(fake, "[192.0.2.1]")) == Errc::not_found);
  CHECK(error_of(mail_hosts(fake, std::string(300, 'a'))) == Errc::not_found);
  CHECK(fake.queries() == asked);
}

TEST_CASE("a relay sends only to hosts nearer than itself, RFC 5321 §5.1") {
  const std::vector<dns::MailHost> all{{10, "a.jp"}, {20, "b.jp"}, {20, "us.jp"}, {30, "c.jp"}};
  auto hosts = all;
  CHECK(dns::keep_nearer_than(hosts, "US.jp"));
  CHECK(hosts == std::vector<dns::MailHost>{{10, "a.jp"}});
  CHECK_FALSE(dns::keep_nearer_than(hosts, "a.jp"));
  hosts = all;
  CHECK(dns::keep_nearer_than(hosts, "other.jp"));
  CHECK(hosts == all);
}

TEST_CASE("addresses of both families, in the order wished for") {
  FakeResolver fake;
  fake.add_a("mx.jp", "192.0.2.1").add_a("mx.jp", "192.0.2.2").add_aaaa("mx.jp", "2001:db8::1");
  CHECK(addresses(fake, "mx.jp")->addresses == Names{"2001:db8::1", "192.0.2.1", "192.0.2.2"});
  CHECK(addresses(fake, "mx.jp", Families::ipv4_first)->addresses ==
        Names{"192.0.2.1", "192.0.2.2", "2001:db8::1"});
  CHECK(addresses(fake, "mx.jp", Families::ipv4)->addresses == Names{"192.0.2.1", "192.0.2.2"});
  CHECK(addresses(fake, "mx.jp", Families::ipv6)->addresses == Names{"2001:db8::1"});
  CHECK_FALSE(addresses(fake, "mx.jp")->secure);
  fake.sign("mx.jp").set_ttl(7s);
  CHECK(addresses(fake, "mx.jp")->secure);
  CHECK(addresses(fake, "mx.jp")->ttl == 7s);
}

TEST_CASE("one family in trouble does not spoil the other") {
  FakeResolver fake;
  fake.add_a("mx.jp", "192.0.2.1").fail("mx.jp", Type::aaaa);
  CHECK(addresses(fake, "mx.jp")->addresses == Names{"192.0.2.1"});
  CHECK(error_of(addresses(fake, "mx.jp", Families::ipv6)) == Errc::unavailable);
  // Nothing known of one and nothing there of the other is no verdict.
  fake.clear("mx.jp").add_txt("mx.jp", "there").fail("mx.jp", Type::aaaa);
  CHECK(error_of(addresses(fake, "mx.jp")) == Errc::unavailable);
  CHECK(error_of(addresses(fake, "mx.jp", Families::ipv4)) == Errc::not_found);
  CHECK(error_of(addresses(fake, "nowhere.jp")) == Errc::not_found);
}

TEST_CASE("each family keeps half of the room for addresses") {
  FakeResolver fake;
  for (int i = 1; i <= 30; ++i) {
    fake.add_a("mx.jp", fmt::format("192.0.2.{}", i));
    fake.add_aaaa("mx.jp", fmt::format("2001:db8::{:x}", i));
  }
  auto found = addresses(fake, "mx.jp")->addresses;
  REQUIRE(found.size() == dns::max_addresses);
  CHECK(std::ranges::count_if(found, [](auto& text) { return text.contains(':'); }) == 8);
  CHECK(addresses(fake, "mx.jp", Families::ipv4)->addresses.size() == dns::max_addresses);
  fake.clear("mx.jp").add_aaaa("mx.jp", "2001:db8::1");
  for (int i = 1; i <= 30; ++i) fake.add_a("mx.jp", fmt::format("192.0.2.{}", i));
  CHECK(addresses(fake, "mx.jp")->addresses.size() == dns::max_addresses);
  CHECK(addresses(fake, "mx.jp", Families::ipv4_first)->addresses.back() == "2001:db8::1");
}

TEST_CASE("addresses that no mail host has are left out") {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255",
                           "::", "fe80::1", "ff02::1", "::ffff:0.0.0.0", "::ffff:127.0.0.1", "x"})
    CHECK_MESSAGE(!dns::is_usable_address(text, Loopback::skipped), text);
  for (const char* text : {"192.0.2.1", "10.0.0.1", "223.255.255.255", "2001:db8::1", "fd00::1"})
    CHECK_MESSAGE(dns::is_usable_address(text, Loopback::skipped), text);
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    CHECK_MESSAGE(!dns::is_usable_address(text, Loopback::skipped), text);
    CHECK_MESSAGE(dns::is_usable_address(text, Loopback::allowed), text);
  }
  FakeResolver fake;
  fake.add_a("mx.jp", "127.0.0.2").add_a("mx.jp", "0.0.0.0");
  CHECK(error_of(addresses(fake, "mx.jp")) == Errc::not_found);
  CHECK(addresses(fake, "mx.jp", Families::both, Loopback::allowed)->addresses ==
        Names{"127.0.0.2"});
}

TEST_CASE("TLSA records count when the DNS is secure all the way, RFC 7672 §2.2") {
  const dns::Tlsa key{3, 1, 1, std::string(32, 'k')};
  FakeResolver fake;
  fake.add_a("mx.jp", "192.0.2.1").add_tlsa("mx.jp", 25, key);
  CHECK(tlsa(fake, "mx.jp")->empty());
  // The host's own zone was insecure, so nobody needed to ask (RFC 7672 §2.1.2).
  CHECK(fake.queries("_25._tcp.mx.jp", Type::tlsa) == 0);
  fake.sign("mx.jp");
  auto found = tlsa(fake, "MX.jp");
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().data == key.data);
  CHECK(found->front().base == "mx.jp");
  CHECK(block_on(dns::find_tlsa(fake, "mx.jp", 26))->empty());
}

TEST_CASE("trouble with TLSA forbids the host") {
  FakeResolver fake;
  fake.add_a("mx.jp", "192.0.2.1").sign("mx.jp").fail("_25._tcp.mx.jp");
  CHECK(error_of(tlsa(fake, "mx.jp")) == Errc::unavailable);
  fake.clear("_25._tcp.mx.jp").clear("mx.jp").fail("mx.jp");
  CHECK(error_of(tlsa(fake, "mx.jp")) == Errc::unavailable);
}

TEST_CASE("a TLSA record that cannot be read still asks for TLS") {
  FakeResolver fake;
  fake.add_a("mx.jp", "192.0.2.1").sign("mx.jp").add("_25._tcp.mx.jp", Type::tlsa, "");
  auto found = tlsa(fake, "mx.jp");
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  CHECK(found->front().usage == 255);
}

TEST_CASE("TLSA of an alias: where it leads to, then where it begins, RFC 7672 §2.2.2") {
  FakeResolver fake;
  fake.add_cname("mx.jp", "host.example").add_a("host.example", "192.0.2.1");
  fake.add_tlsa("mx.jp", 25, {3, 1, 1, "begin"}).add_tlsa("host.example", 25, {3, 1, 1, "end"});
  CHECK(tlsa(fake, "mx.jp")->empty());
  fake.sign("mx.jp");
  CHECK(tlsa(fake, "mx.jp")->at(0).data == "begin");
  CHECK(fake.queries("_25._tcp.host.example", Type::tlsa) == 0);
  fake.sign("host.example");
  CHECK(tlsa(fake, "mx.jp")->at(0).data == "end");
  CHECK(tlsa(fake, "mx.jp")->at(0).base == "host.example");
  fake.clear("_25._tcp.host.example");
  CHECK(tlsa(fake, "mx.jp")->at(0).data == "begin");
}

TEST_CASE("the fake counts, and knows names that do not exist") {
  FakeResolver fake;
  fake.add_mx("example.jp", 10, "mx.example.jp").add_ptr("192.0.2.1", "mx.example.jp");
  auto ask = [&](std::string name, Type type) { return block_on(fake.resolve(name, type)); };
  CHECK(ask("EXAMPLE.jp.", Type::mx)->status == dns::Answer::Status::found);
  CHECK(ask("example.jp", Type::a)->status == dns::Answer::Status::no_data);
  CHECK(ask("jp", Type::a)->status == dns::Answer::Status::no_data);
  CHECK(ask("ample.jp", Type::a)->status == dns::Answer::Status::no_name);
  CHECK(ask("1.2.0.192.in-addr.arpa", Type::ptr)->status == dns::Answer::Status::found);
  CHECK(fake.queries() == 5);
  CHECK(fake.queries("example.jp", Type::mx) == 1);
  fake.add_cname("loop.jp", "loop.jp");
  CHECK(error_of(ask("loop.jp", Type::a)) == Errc::unavailable);
  CHECK(error_of(ask("a..b", Type::a)) == Errc::invalid);
}
