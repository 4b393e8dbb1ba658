#include "dns/fake_resolver.h"

#include "base/assert.h"
#include "dns/name.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::dns {

namespace {

constexpr int max_aliases = 8;

template <class T>
T expect(Result<T> result) {
  TODOKE_ASSERT(result.has_value());
  return *std::move(result);
}

bool is_at_or_below(std::string_view name, std::string_view zone) {
  if (zone.empty() || name == zone) return true;
  return name.size() > zone.size() && name.ends_with(zone) &&
         name[name.size() - zone.size() - 1] == '.';
}

}  // namespace

FakeResolver& FakeResolver::add(std::string_view name, Type type, std::string rdata) {
  std::lock_guard lock(mutex_);
  records_[Key(expect(normal_name(name)), type)].push_back(std::move(rdata));
  return *this;
}

FakeResolver& FakeResolver::add_mx(std::string_view name, std::uint16_t preference,
                                   std::string_view host) {
  return add(name, Type::mx, expect(mx_data({preference, std::string(host)})));
}

FakeResolver& FakeResolver::null_mx(std::string_view name) {
  return add_mx(name, 0, ".");
}

FakeResolver& FakeResolver::add_a(std::string_view name, std::string_view address) {
  auto data = expect(address_data(address));
  TODOKE_ASSERT(data.size() == 4);
  return add(name, Type::a, std::move(data));
}

FakeResolver& FakeResolver::add_aaaa(std::string_view name, std::string_view address) {
  auto data = expect(address_data(address));
  TODOKE_ASSERT(data.size() == 16);
  return add(name, Type::aaaa, std::move(data));
}

FakeResolver& FakeResolver::add_cname(std::string_view name, std::string_view target) {
  return add(name, Type::cname, expect(name_data(target)));
}

FakeResolver& FakeResolver::add_txt(std::string_view name, std::string_view text) {
  return add(name, Type::txt, txt_data(text));
}

FakeResolver& FakeResolver::add_ptr(std::string_view address, std::string_view host) {
  return add(expect(reverse_name(address)), Type::ptr, expect(name_data(host)));
}

FakeResolver& FakeResolver::add_tlsa(std::string_view host, std::uint16_t port, const Tlsa& tlsa) {
  return add(fmt::format("_{}._tcp.{}", port, host), Type::tlsa, tlsa_data(tlsa));
}

FakeResolver& FakeResolver::fail(std::string_view name) {
  std::lock_guard lock(mutex_);
  failing_names_.insert(expect(normal_name(name)));
  return *this;
}

FakeResolver& FakeResolver::fail(std::string_view name, Type type) {
  std::lock_guard lock(mutex_);
  failures_.emplace(expect(normal_name(name)), type);
  return *this;
}

FakeResolver& FakeResolver::clear(std::string_view name) {
  std::lock_guard lock(mutex_);
  auto cleared = expect(normal_name(name));
  std::erase_if(records_, [&](auto& entry) { return entry.first.first == cleared; });
  std::erase_if(failures_, [&](auto& key) { return key.first == cleared; });
  failing_names_.erase(cleared);
  return *this;
}

FakeResolver& FakeResolver::sign(std::string_view zone) {
  std::lock_guard lock(mutex_);
  signed_zones_.insert(expect(normal_name(zone)));
  return *this;
}

FakeResolver& FakeResolver::set_ttl(std::chrono::seconds ttl) {
  std::lock_guard lock(mutex_);
  ttl_ = ttl;
  return *this;
}

std::size_t FakeResolver::queries() const {
  std::lock_guard lock(mutex_);
  return queries_;
}

std::size_t FakeResolver::queries(std::string_view name, Type type) const {
  std::lock_guard lock(mutex_);
  auto found = asked_.find(Key(expect(normal_name(name)), type));
  return found == asked_.end() ? 0 : found->second;
}

Task<Result<Answer>> FakeResolver::resolve(std::string name, Type type) {
  CO_TRY(auto asked, normal_name(name));
  co_return answer(asked, type);
}

Result<Answer> FakeResolver::answer(const std::string& asked, Type type) {
  std::lock_guard lock(mutex_);
  ++queries_;
  ++asked_[Key(asked, type)];
  return look_up(asked, type);
}

Result<Answer> FakeResolver::look_up(const std::string& asked, Type type) const {
  Answer answer{.secure = true, .name = asked, .ttl = ttl_};
  for (int aliases = 0; aliases <= max_aliases; ++aliases) {
    const auto& name = answer.name;
    if (failing_names_.contains(name) || failures_.contains(Key(name, type)))
      return todoke::fail(Errc::unavailable, fmt::format("the DNS has no answer for {}", name));
    answer.secure = answer.secure && is_signed(name);
    if (auto found = records_.find(Key(name, type)); found != records_.end()) {
      answer.status = Answer::Status::found;
      answer.records = found->second;
      return answer;
    }
    auto alias = records_.find(Key(name, Type::cname));
    if (alias == records_.end()) {
      answer.status = exists(name) ? Answer::Status::no_data : Answer::Status::no_name;
      return answer;
    }
    answer.name = expect(parse_name(alias->second.front()));
  }
  return todoke::fail(Errc::unavailable, fmt::format("{} is an alias without an end", asked));
}

bool FakeResolver::exists(const std::string& name) const {
  return std::ranges::any_of(
      records_, [&](const auto& entry) { return is_at_or_below(entry.first.first, name); });
}

bool FakeResolver::is_signed(const std::string& name) const {
  return std::ranges::any_of(signed_zones_,
                             [&](const auto& zone) { return is_at_or_below(name, zone); });
}

}  // namespace todoke::dns
