#include "provider/book.h"

#include "base/ascii.h"
#include "base/assert.h"
#include "provider/built_in.h"

#include <algorithm>

namespace todoke::provider {
namespace {

constexpr std::string_view generic_id = "generic";
// Profiles for a region: taken when nobody better is known.
constexpr std::string_view generic_prefix = "generic-";

// The longest of `suffixes` that `name` lies under; 0 if none.
std::size_t longest_match(std::span<const std::string> suffixes, std::string_view name) {
  std::size_t longest = 0;
  for (const auto& suffix : suffixes)
    if (suffix.size() > longest && is_under(name, suffix)) longest = suffix.size();
  return longest;
}

const Provider* best_match(std::span<const Provider> providers,
                           std::vector<std::string> Provider::* suffixes, std::string_view name) {
  const Provider* best = nullptr;
  std::size_t longest = 0;
  for (const auto& provider : providers)
    if (auto length = longest_match(provider.*suffixes, name); length > longest) {
      best = &provider;
      longest = length;
    }
  return best;
}

}  // namespace

bool is_under(std::string_view name, std::string_view suffix) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (suffix.empty() || name.size() < suffix.size()) return false;
  auto border = name.size() - suffix.size();
  return (border == 0 || name[border - 1] == '.') &&
         ascii::equal_ignoring_case(name.substr(border), suffix);
}

const Book& Book::built_in() {
  static const Book book = [] {
    auto parsed = parse(built_in_toml());
    TODOKE_ASSERT(parsed.has_value());
    return *std::move(parsed);
  }();
  return book;
}

const Provider& Book::by_mx(std::span<const std::string> mx_hosts, std::string_view domain) const {
  const Provider* common = nullptr;
  for (const auto& host : mx_hosts) {
    const auto* provider = best_match(providers_, &Provider::mx_suffixes, host);
    if (provider == nullptr || (common != nullptr && provider != common)) {
      common = nullptr;
      break;
    }
    common = provider;
  }
  if (common != nullptr) return *common;
  const auto& by_name = generic_for(domain);
  if (by_name.id != generic_id) return by_name;
  for (const auto& host : mx_hosts)
    if (const auto& by_host = generic_for(host); by_host.id != generic_id) return by_host;
  return by_name;
}

const Provider& Book::by_domain(std::string_view domain) const {
  const auto* provider = best_match(providers_, &Provider::domains, domain);
  return provider != nullptr ? *provider : generic();
}

const Provider* Book::find(std::string_view id) const {
  auto found = std::ranges::find(providers_, id, &Provider::id);
  return found == providers_.end() ? nullptr : &*found;
}

const Provider& Book::generic() const {
  const auto* found = find(generic_id);
  TODOKE_ASSERT(found != nullptr);  // parse() insists on it
  return *found;
}

const Provider& Book::generic_for(std::string_view domain) const {
  for (const auto& provider : providers_)
    if (provider.id.starts_with(generic_prefix) && longest_match(provider.domains, domain) > 0)
      return provider;
  return generic();
}

Book::RuleLists Book::rules_for(const Provider& provider) const {
  const auto* shared = provider.shares_rules_of.empty() ? nullptr : find(provider.shares_rules_of);
  return {provider.rules, shared != nullptr ? std::span(shared->rules) : std::span<const Rule>(),
          word_rules_, status_rules_, reply_rules_};
}

std::vector<std::string_view> quirk_names(const Quirks& quirks) {
  std::vector<std::string_view> names;
  for (const auto& [name, member] : all_quirks)
    if (quirks.*member) names.push_back(name);
  return names;
}

}  // namespace todoke::provider
