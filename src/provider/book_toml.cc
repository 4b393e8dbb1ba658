#include "base/ascii.h"
#include "provider/book.h"
#include "provider/built_in.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#define TOML_EXCEPTIONS 0
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <toml++/toml.h>
#include <utility>

namespace todoke::provider {

// Reads one file.  The first error is kept, and makes everything after it idle.
class BookReader {
 public:
  explicit BookReader(std::string_view file) : file_(file) {}

  Result<Book> read(std::string_view text) {
    if (text.size() > Book::max_file_bytes)
      return fail(Errc::over_limit,
                  fmt::format("{}: larger than {} bytes", file_, Book::max_file_bytes));
    auto parsed = toml::parse(text, std::string_view());
    if (!parsed)
      return fail(Errc::invalid, fmt::format("{}:{}: {}", file_, parsed.error().source().begin.line,
                                             parsed.error().description()));
    read_book(parsed.table());
    if (error_) return std::unexpected(*error_);
    return std::move(book_);
  }

 private:
  using Keys = std::vector<std::string_view>;

  void read_book(const toml::table& table) {
    only(table, {"version", "date", "provider", "rule", "status", "reply"});
    number(table, "version", 1, 1'000'000'000, book_.version_);
    required_text(table, "date", book_.date_);
    tables(table, "provider", Book::max_providers,
           [this](const toml::table& one) { read_provider(one); });
    read_rules(table, "rule", "global", book_.word_rules_);
    read_rules(table, "status", "enhanced", book_.status_rules_);
    read_rules(table, "reply", "code", book_.reply_rules_);
    check_whole(table);
  }

  void read_provider(const toml::table& table) {
    only(table, {"id", "name_ja", "name_en", "mx", "domains", "limits", "quirks", "guide",
                 "verified_on", "sources", "unverified", "shares_rules_of", "rule"});
    Provider provider;
    required_text(table, "id", provider.id);
    if (!is_id(provider.id) || provider.id == "global" || provider.id == "enhanced" ||
        provider.id == "code")
      complain(table, fmt::format("\"{}\" cannot be the id of a provider", provider.id));
    if (!provider_ids_.insert(provider.id).second)
      complain(table, fmt::format("there are two providers \"{}\"", provider.id));
    required_text(table, "name_ja", provider.name_ja);
    required_text(table, "name_en", provider.name_en);
    names(table, "mx", mx_seen_, provider.mx_suffixes);
    names(table, "domains", domains_seen_, provider.domains);
    if (provider.mx_suffixes.empty() && provider.domains.empty() && provider.id != "generic")
      complain(table, fmt::format("{} has neither mx nor domains", provider.id));
    read_limits(table, provider.limits);
    read_quirks(table, provider.quirks);
    if (const auto* guide = section(table, "guide")) {
      only(*guide, {"ja", "en", "url"});
      required_text(*guide, "ja", provider.guide.ja);
      required_text(*guide, "en", provider.guide.en);
      text(*guide, "url", provider.guide.url);
    }
    required_text(table, "verified_on", provider.verified_on);
    texts(table, "sources", provider.sources);
    texts(table, "unverified", provider.unverified);
    text(table, "shares_rules_of", provider.shares_rules_of);
    read_rules(table, "rule", provider.id, provider.rules);
    book_.providers_.push_back(std::move(provider));
  }

  void read_limits(const toml::table& table, Limits& limits) {
    const auto* given = section(table, "limits");
    if (given == nullptr) return;
    only(*given, {"connections", "messages_per_connection", "recipients_per_transaction",
                  "recipients_per_connection", "messages_per_second", "max_size"});
    number(*given, "connections", 1, 1000, limits.connections);
    number(*given, "messages_per_connection", 1, 10'000, limits.messages_per_connection);
    number(*given, "recipients_per_transaction", 1, 1000, limits.recipients_per_transaction);
    number(*given, "recipients_per_connection", 0, 100'000, limits.recipients_per_connection);
    number(*given, "max_size", 0, 1'000'000'000, limits.max_size);
    if (const auto* node = given->get("messages_per_second")) {
      auto rate = node->value<double>();
      if (rate && std::isfinite(*rate) && *rate >= 0.01 && *rate <= 10'000)
        limits.messages_per_second = *rate;
      else
        complain(*node, "messages_per_second must be a number from 0.01 to 10000");
    }
  }

  void read_quirks(const toml::table& table, Quirks& quirks) {
    std::vector<std::string> given;
    texts(table, "quirks", given);
    for (const auto& name : given) {
      const auto* known =
          std::ranges::find(all_quirks, name, [](const auto& q) { return q.first; });
      if (known == all_quirks.end())
        complain(*table.get("quirks"), fmt::format("there is no quirk \"{}\"", name));
      else
        quirks.*known->second = true;
    }
  }

  void read_rules(const toml::table& table, std::string_view key, const std::string& prefix,
                  std::vector<Rule>& out) {
    tables(table, key, Book::max_rules, [&](const toml::table& one) {
      Rule rule;
      required_text(one, "id", rule.id);
      if (!is_id(rule.id)) complain(one, fmt::format("\"{}\" cannot be an id", rule.id));
      rule.id = fmt::format("{}.{}", prefix, rule.id);
      if (!rule_ids_.insert(rule.id).second)
        complain(one, fmt::format("there are two rules {}", rule.id));
      read_rule(one, rule);
      out.push_back(std::move(rule));
    });
  }

  void read_rule(const toml::table& table, Rule& rule) {
    only(table, {"id", "stages", "breakdowns", "attempt", "codes", "enhanced", "all", "any", "none",
                 "class", "named", "scope", "fixtures", "not"});
    set_of(table, "stages", parse_stage, rule.stages);
    set_of(table, "breakdowns", parse_breakdown, rule.breakdowns);
    choice(table, "attempt", parse_attempt, rule.attempt);
    list(table, "codes", CodePattern::parse, rule.codes);
    list(table, "enhanced", EnhancedPattern::parse, rule.enhanced);
    list(table, "all", Pattern::parse, rule.all);
    list(table, "any", Pattern::parse, rule.any);
    list(table, "none", Pattern::parse, rule.none);
    choice(table, "class", parse_reply_class, rule.reply_class);
    choice(table, "named", parse_named, rule.named);
    choice(table, "scope", parse_scope, rule.scope);
    list(table, "fixtures", Fixture::parse, rule.fixtures);
    list(table, "not", Fixture::parse, rule.near_misses);
    if (table.get("class") == nullptr) complain(table, rule.id + " says no class");
    if (rule.fixtures.empty()) complain(table, rule.id + " has no fixture");
    bool looks_at_replies = !(rule.codes.empty() && rule.enhanced.empty() && rule.all.empty() &&
                              rule.any.empty() && rule.none.empty());
    if (rule.breakdowns == 0 && !looks_at_replies)
      complain(table, rule.id + " says neither breakdowns, codes, enhanced nor words");
    if (rule.breakdowns != 0 && looks_at_replies)
      complain(table, rule.id + " cannot look at both breakdowns and replies");
  }

  void check_whole(const toml::table& table) {
    if (book_.find("generic") == nullptr) complain(table, "there is no provider \"generic\"");
    for (const auto& provider : book_.providers_) {
      if (provider.shares_rules_of.empty()) continue;
      const auto* other = book_.find(provider.shares_rules_of);
      if (other == nullptr || other->id == provider.id || !other->shares_rules_of.empty())
        complain(table, fmt::format("{} cannot share the rules of \"{}\"", provider.id,
                                    provider.shares_rules_of));
    }
  }

  static bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= 60 && std::ranges::all_of(id, [](char c) {
      return ascii::is_alnum(c) || c == '-' || c == '.';
    });
  }
  // In lower case, labels with letters, digits and hyphens.
  static bool is_domain(std::string_view name) {
    return !name.empty() && name.size() <= 253 && !name.starts_with('.') && !name.ends_with('.') &&
           name.find("..") == name.npos && std::ranges::all_of(name, [](char c) {
             return (ascii::is_alnum(c) && c == ascii::lower(c)) || c == '-' || c == '.';
           });
  }

  // Domain names that no provider before has given.
  void names(const toml::table& table, std::string_view key, std::set<std::string>& seen,
             std::vector<std::string>& out) {
    texts(table, key, out);
    for (const auto& name : out) {
      if (!is_domain(name))
        complain(*table.get(key), fmt::format("\"{}\" is no domain name in lower case", name));
      else if (!seen.insert(name).second)
        complain(*table.get(key), fmt::format("{} stands twice among {}", name, key));
    }
  }

  void text(const toml::table& table, std::string_view key, std::string& out) {
    const auto* node = table.get(key);
    if (node == nullptr) return;
    if (auto value = node->value_exact<std::string>())
      out = *value;
    else
      complain(*node, fmt::format("{} must be a text in quotation marks", key));
  }
  void required_text(const toml::table& table, std::string_view key, std::string& out) {
    text(table, key, out);
    if (out.empty()) complain(table, fmt::format("there must be a text for {}", key));
  }
  void texts(const toml::table& table, std::string_view key, std::vector<std::string>& out) {
    const auto* node = table.get(key);
    if (node == nullptr) return;
    const auto* array = node->as_array();
    if (array == nullptr) return complain(*node, fmt::format("{} must be a list of texts", key));
    for (const auto& one : *array) {
      auto value = one.value_exact<std::string>();
      if (!value) return complain(one, fmt::format("{} must be a list of texts", key));
      out.push_back(*std::move(value));
    }
  }
  template <class T>
  void number(const toml::table& table, std::string_view key, std::int64_t low, std::int64_t high,
              T& out) {
    const auto* node = table.get(key);
    if (node == nullptr) return;
    auto value = node->value_exact<std::int64_t>();
    if (value && *value >= low && *value <= high)
      out = static_cast<T>(*value);
    else
      complain(*node, fmt::format("{} must be a whole number from {} to {}", key, low, high));
  }
  template <class T>
  void list(const toml::table& table, std::string_view key, Result<T> (*parse)(std::string_view),
            std::vector<T>& out) {
    std::vector<std::string> given;
    texts(table, key, given);
    for (const auto& one : given) {
      auto value = parse(one);
      if (!value) return complain(*table.get(key), value.error().text);
      out.push_back(*std::move(value));
    }
  }
  template <class T>
  void choice(const toml::table& table, std::string_view key,
              std::optional<T> (*parse)(std::string_view), T& out) {
    std::string given;
    text(table, key, given);
    if (given.empty()) return;
    if (auto value = parse(given))
      out = *value;
    else
      complain(*table.get(key), fmt::format("there is no {} \"{}\"", key, given));
  }
  template <class T>
  void set_of(const toml::table& table, std::string_view key,
              std::optional<T> (*parse)(std::string_view), std::uint32_t& out) {
    std::vector<std::string> given;
    texts(table, key, given);
    for (const auto& one : given) {
      if (auto value = parse(one))
        out |= std::uint32_t{1} << static_cast<unsigned>(*value);
      else
        complain(*table.get(key), fmt::format("\"{}\" is none of the {}", one, key));
    }
  }
  const toml::table* section(const toml::table& table, std::string_view key) {
    const auto* node = table.get(key);
    if (node == nullptr) return nullptr;
    if (node->as_table() == nullptr) complain(*node, fmt::format("{} must be a section", key));
    return node->as_table();
  }
  template <class Read>
  void tables(const toml::table& table, std::string_view key, std::size_t most, Read read) {
    const auto* node = table.get(key);
    if (node == nullptr) return;
    const auto* array = node->as_array();
    if (array == nullptr || !array->is_homogeneous<toml::table>())
      return complain(*node, fmt::format("{} must be sections, each headed [[…{}]]", key, key));
    if (array->size() > most)
      return complain(*node, fmt::format("more than {} sections {}", most, key));
    for (const auto& one : *array) read(*one.as_table());
  }
  void only(const toml::table& table, const Keys& allowed) {
    for (const auto& [key, node] : table)
      if (std::ranges::find(allowed, key.str()) == allowed.end())
        complain(node, fmt::format("there is no key {}; allowed here: {}", key.str(),
                                   fmt::join(allowed, ", ")));
  }
  void complain(const toml::node& node, std::string text) {
    if (!error_)
      error_ = Error{Errc::invalid,
                     fmt::format("{}:{}: {}", file_, node.source().begin.line, std::move(text))};
  }

  std::string file_;
  Book book_;
  std::set<std::string> provider_ids_;
  std::set<std::string> rule_ids_;
  std::set<std::string> mx_seen_;
  std::set<std::string> domains_seen_;
  std::optional<Error> error_;
};

Result<Book> Book::parse(std::string_view toml, std::string_view file) {
  return BookReader(file).read(toml);
}

}  // namespace todoke::provider
