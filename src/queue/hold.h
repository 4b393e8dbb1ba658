#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "sql/tx.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Sending to a provider stopped on purpose, by hand or by the system: nothing is tried, nothing is
// lost, and what waits does not grow older meanwhile.
namespace todoke::queue {

// Whom a hold is about.
struct HoldScope {
  std::string provider;              // provider::Provider::id; empty: every provider
  std::int64_t organisation_id = 0;  // whose mail; 0: everybody's

  bool covers(std::string_view which, std::int64_t whose) const {
    return (provider.empty() || provider == which) &&
           (organisation_id == 0 || organisation_id == whose);
  }
  friend bool operator==(const HoldScope&, const HoldScope&) = default;
};

struct Hold {
  std::int64_t id = 0;
  HoldScope scope;
  Time since{};
  std::optional<Time> until;  // nothing: it holds
  std::string by_whom;
  std::string reason;
};

// All holds that ever were, as far as waiting mail may have lived through them.
class Holds {
 public:
  Holds() = default;
  explicit Holds(std::vector<Hold> holds) : holds_(std::move(holds)) {}

  // The hold that keeps this mail back, null when there is none.
  const Hold* current(std::string_view provider, std::int64_t organisation_id) const;
  // For how long, between the two times, it was held; overlapping holds count once.
  std::chrono::microseconds held_between(std::string_view provider, std::int64_t organisation_id,
                                         Time from, Time to) const;
  const std::vector<Hold>& all() const { return holds_; }

 private:
  std::vector<Hold> holds_;  // by `since`
};

// Those that still hold, or ended after `since`.
Holds read_holds(sql::Tx& tx, Time since);
// Errc::conflict: that very scope is held already.
Result<> begin_hold(sql::Tx& tx, const Hold& hold);
// How many holds of that very scope ended: 0 or 1.
int end_hold(sql::Tx& tx, const HoldScope& scope, Time now);

}  // namespace todoke::queue
