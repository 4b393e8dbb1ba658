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

// What a change means for what is remembered.
struct Effects {
  std::vector<std::int64_t> touched;     // accounts of which nothing remembered holds
  std::vector<std::int64_t> signed_out;  // accounts whose sessions end
  std::vector<std::int64_t> organisations_signed_out;
};

// An administrative change inside its transaction: who does it, and the one way to write it down.
class Change {
 public:
  Change(sql::Tx& transaction, const Actor& actor, Time at, IdGenerator& ids, Effects& effects)
      : tx(transaction), by(actor), now(at), ids_(ids), effects_(effects) {
    effects_ = {};  // a closure may run twice
  }

  sql::Tx& tx;
  const Actor& by;
  const Time now;

  std::int64_t new_id() { return ids_.next(); }
  // What was remembered of the account is worthless afterwards.
  void touches(std::int64_t account) { effects_.touched.push_back(account); }
  // Whoever is signed in has to do so again, if he can.
  void signs_out(std::int64_t account) { effects_.signed_out.push_back(account); }
  void signs_out_organisation(std::int64_t id) { effects_.organisations_signed_out.push_back(id); }
  // `action` is "thing.verb"; organisation 0 is the installation.
  void audit(std::int64_t organisation, std::string_view action, std::string_view target,
             const Details& details = {});

 private:
  IdGenerator& ids_;
  Effects& effects_;
};

}  // namespace todoke::directory
