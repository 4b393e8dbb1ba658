#pragma once

#include "base/ids.h"
#include "directory/model.h"
#include "sql/tx.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace todoke::directory {

// What an audit row tells beside action and target: a flat JSON object.  Never a secret.
class Details {
 public:
  Details& add(std::string_view name, std::string_view text);
  Details& add(std::string_view name, const char* text) {
    return add(name, std::string_view(text));
  }
  template <std::integral T>
  Details& add(std::string_view name, T value) {
    if constexpr (std::same_as<T, bool>)
      return add_raw(name, value ? "true" : "false");
    else
      return add_raw(name, std::to_string(value));
  }
  template <class T>
  Details& add(std::string_view name, const std::optional<T>& value) {
    return value ? add(name, *value) : add_raw(name, "null");
  }
  std::string json() const { return "{" + members_ + "}"; }

 private:
  Details& add_raw(std::string_view name, std::string_view json);
  std::string members_;
};

// An administrative change inside its transaction: who does it, and the one way to write it down.
class Change {
 public:
  Change(sql::Tx& transaction, const Actor& actor, Time at, IdGenerator& ids,
         std::vector<std::int64_t>& touched)
      : tx(transaction), by(actor), now(at), ids_(ids), touched_(touched) {
    touched_.clear();  // a closure may run twice
  }

  sql::Tx& tx;
  const Actor& by;
  const Time now;

  std::int64_t new_id() { return ids_.next(); }
  // What was remembered of the account is worthless afterwards.
  void touches(std::int64_t account) { touched_.push_back(account); }
  // `action` is "thing.verb"; organisation 0 is the installation.
  void audit(std::int64_t organisation, std::string_view action, std::string_view target,
             const Details& details = {});

 private:
  IdGenerator& ids_;
  std::vector<std::int64_t>& touched_;
};

}  // namespace todoke::directory
