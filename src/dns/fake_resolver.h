#pragma once

#include "dns/records.h"
#include "dns/resolver.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace todoke::dns {

// A DNS of a test's own making:
//   FakeResolver dns;
//   dns.add_mx("example.jp", 10, "mx.example.jp").add_a("mx.example.jp", "192.0.2.1");
// A name exists when something was added to it or to a name below it; CNAMEs are followed.  What
// is added wrongly (no address, no name) is a bug of the test and aborts.  Any thread, at any time.
class FakeResolver final : public Resolver {
 public:
  FakeResolver& add_mx(std::string_view name, std::uint16_t preference, std::string_view host);
  // RFC 7505: takes no mail.
  FakeResolver& null_mx(std::string_view name);
  FakeResolver& add_a(std::string_view name, std::string_view address);
  FakeResolver& add_aaaa(std::string_view name, std::string_view address);
  FakeResolver& add_cname(std::string_view name, std::string_view target);
  FakeResolver& add_txt(std::string_view name, std::string_view text);
  // The PTR record of an IP address.
  FakeResolver& add_ptr(std::string_view address, std::string_view host);
  // At _port._tcp.host.
  FakeResolver& add_tlsa(std::string_view host, std::uint16_t port, const Tlsa& tlsa);
  // Any RDATA, also such as no reader takes.
  FakeResolver& add(std::string_view name, Type type, std::string rdata);

  // Answers about the name become Errc::unavailable: about all types, or one.
  FakeResolver& fail(std::string_view name);
  FakeResolver& fail(std::string_view name, Type type);
  // Takes back every failure and every record of the name.
  FakeResolver& clear(std::string_view name);
  // Answers about the zone's name and all below it are secure from now on.
  FakeResolver& sign(std::string_view zone);
  // An hour unless told.
  FakeResolver& set_ttl(std::chrono::seconds ttl);

  // How often was asked: at all, or exactly this.
  std::size_t queries() const;
  std::size_t queries(std::string_view name, Type type) const;

  [[nodiscard]] Task<Result<Answer>> resolve(std::string name, Type type) override;

 private:
  using Key = std::pair<std::string, Type>;

  Result<Answer> answer(const std::string& asked, Type type);
  Result<Answer> look_up(const std::string& asked, Type type) const;
  bool exists(const std::string& name) const;
  bool is_signed(const std::string& name) const;

  mutable std::mutex mutex_;
  std::map<Key, std::vector<std::string>> records_;
  std::set<Key> failures_;
  std::set<std::string> failing_names_;
  std::set<std::string> signed_zones_;
  std::chrono::seconds ttl_{3600};
  std::map<Key, std::size_t> asked_;
  std::size_t queries_ = 0;
};

}  // namespace todoke::dns
