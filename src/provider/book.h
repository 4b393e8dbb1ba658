#pragma once

#include "base/result.h"
#include "provider/rule.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What we know of those who receive mail: who they are, what they bear, what their replies mean.
// Nothing here talks to anybody or changes at run time.
namespace todoke::provider {

// What a provider bears of one sender, before anything is learned by experience.
struct Limits {
  int connections = 2;  // at the same time
  int messages_per_connection = 20;
  int recipients_per_transaction = 1;
  int recipients_per_connection = 0;  // 0: no limit of its own
  double messages_per_second = 5;     // over all connections
  std::uint64_t max_size = 0;         // bytes as sent; 0: what its SIZE extension says
};

// What sets a provider apart beyond numbers.  In the data file: a list of these names.
struct Quirks {
  // It once gave out addresses such as a..b.@…: write to them, quoted first and raw after a
  // refusal of the syntax.
  bool allows_odd_local_parts = false;
  // It refuses mail from and to such addresses: their holders cannot write to its users.
  bool refuses_odd_local_parts = false;
  // Filters of its users drop mail after a 250: accepted does not mean arrived.
  bool discards_silently = false;
  bool needs_tls = false;
  bool needs_message_id = false;
  // Counts copies that share a Message-ID: each recipient needs its own.
  bool needs_unique_message_ids = false;
  // SPF is checked on the domain of the header From as well.
  bool checks_spf_of_header_from = false;
  // Overloaded at :00 and :30: scheduled mail is spread around them.
  bool avoids_full_hours = false;
  // Sends complaints of its users as feedback reports (RFC 5965 §1).
  bool reports_complaints = false;
};

// A short help for members: how to let our mail in.
struct Guide {
  std::string ja;
  std::string en;
  std::string url;  // the provider's own page; may be empty
};

struct Provider {
  std::string id;  // "docomo"; stored with each address, never changes its meaning
  std::string name_ja;
  std::string name_en;
  std::vector<std::string> mx_suffixes;  // in lower case, without a dot in front
  std::vector<std::string> domains;      // likewise; used when DNS is down
  Limits limits;
  Quirks quirks;
  Guide guide;
  std::string verified_on;              // "2026-09-25": when the sources were read
  std::vector<std::string> sources;     // what kind of source says so
  std::vector<std::string> unverified;  // what among mx, limits, replies is second-hand or guessed
  std::vector<Rule> rules;              // in order, the first that matches counts
  std::string shares_rules_of;          // id of a provider whose rules come after these; or empty
};

// The names, as above, of those that are true.
std::vector<std::string_view> quirk_names(const Quirks& quirks);

// One edition of the data file src/provider/data/providers.toml.  Immutable; any thread may read.
class Book {
 public:
  static constexpr std::size_t max_file_bytes = 1 << 20;
  static constexpr std::size_t max_providers = 500;
  static constexpr std::size_t max_rules = 200;  // of one provider

  // Errc::invalid with the line and the reason: no TOML, an unknown key or word, a number out of
  // its range, a rule without a fixture, two rules of one id, an MX suffix or domain twice, a
  // provider with neither.  `file` is the name to say.  Whether every fixture is met is the
  // question of `faults` (proof.h).
  static Result<Book> parse(std::string_view toml, std::string_view file = "providers.toml");
  // The edition inside this program.
  static const Book& built_in();

  // The provider behind these hosts: each of them must lie under a suffix of that one provider.
  // Otherwise a generic profile: "generic-jp" if the domain or any host lies under .jp.
  const Provider& by_mx(std::span<const std::string> mx_hosts, std::string_view domain = {}) const;
  // By the domain of the address alone, for when DNS is down.
  const Provider& by_domain(std::string_view domain) const;
  const Provider* find(std::string_view id) const;  // nullptr: none
  const Provider& generic() const;
  std::span<const Provider> all() const { return providers_; }

  // The rules to try for `provider`, in order; the first that matches counts:
  //   its own, then those it shares with another provider,
  //   words that mean the same wherever they come from ("global." …),
  //   enhanced status codes ("enhanced." …),
  //   reply codes by stage, and attempts without a reply ("code." …).
  using RuleLists = std::array<std::span<const Rule>, 5>;
  RuleLists rules_for(const Provider& provider) const;

  int version() const { return version_; }
  const std::string& date() const { return date_; }  // "2026-11-22"

 private:
  Book() = default;
  friend class BookReader;

  const Provider& generic_for(std::string_view domain) const;

  int version_ = 0;
  std::string date_;
  std::vector<Provider> providers_;
  std::vector<Rule> word_rules_;
  std::vector<Rule> status_rules_;
  std::vector<Rule> reply_rules_;
};

// True if `name` is `suffix` or lies under it, in any case; a dot at the end of `name` is ignored.
bool is_under(std::string_view name, std::string_view suffix);

}  // namespace todoke::provider
