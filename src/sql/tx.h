#pragma once

#include "base/clock.h"
#include "base/function_ref.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace todoke::sql {

// The database cannot serve now: disk full, file unreadable, connection lost.  Ends the job:
// thrown from Tx and out of Db::read and Db::write; nothing of the closure was kept.
struct Unavailable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A constraint refused a row, or a value was refused (too large, a malformed search expression).
// A closure that expects this asks first, or uses "on conflict".  Thrown out of Db::write and
// Db::read; nothing of the closure was kept.
struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// SQL that stands in our source.  Only literals convert, so no peer's text becomes SQL
// (mail-server rule R10), and a statement is prepared once per connection, found by its address.
// Parameters are $1…$n, each used at least once; the text stays in the subset that SQLite and
// PostgreSQL share.
class Sql {
 public:
  consteval Sql(const char* text) : text_(text) {}
  const char* text() const { return text_; }

 private:
  const char* text_;
};

// Marks text that is bound and stored as bytes (column type bytea) instead of UTF-8 text.
struct Bytes {
  std::string_view bytes;
};

// A parameter, borrowed for the call.
using Param = std::variant<std::monostate, std::int64_t, double, std::string_view, Bytes>;

template <class T>
  requires((std::integral<T> && !std::same_as<T, char>) || std::is_enum_v<T>)
Param to_param(T value) {
  return static_cast<std::int64_t>(value);  // no number of ours uses the 64th bit
}
inline Param to_param(double value) {
  return value;
}
inline Param to_param(std::string_view value) {
  return value;
}
inline Param to_param(const char* value) {
  return std::string_view(value);
}
inline Param to_param(const std::string& value) {
  return std::string_view(value);
}
inline Param to_param(Bytes value) {
  return value;
}
inline Param to_param(Time value) {
  return to_micros(value);
}
inline Param to_param(std::nullopt_t) {
  return std::monostate{};
}
template <class T>
Param to_param(const std::optional<T>& value) {
  return value ? to_param(*value) : Param(std::monostate{});
}

// One row of an answer, valid until the next row is asked for.  Columns count from 0.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;  // null reads as 0
  virtual double real(int column) const = 0;           // null reads as 0
  // Text or bytes as stored; null reads as empty.
  virtual std::string_view text(int column) const = 0;

  template <class T>
  T get(int column) const {
    if constexpr (requires { typename T::value_type; } &&
                  !std::is_convertible_v<T, std::string_view>) {
      if (is_null(column)) return std::nullopt;
      return get<typename T::value_type>(column);
    } else if constexpr (std::is_same_v<T, Time>) {
      return from_micros(integer(column));
    } else if constexpr (std::is_same_v<T, bool>) {
      return integer(column) != 0;
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      return static_cast<T>(integer(column));
    } else if constexpr (std::is_floating_point_v<T>) {
      return real(column);
    } else {
      return T(text(column));
    }
  }
};

// The statements of one transaction, on the thread that runs its closure.  Everything here throws
// Unavailable or Violation; nothing blocks on other transactions.
class Tx {
 public:
  using OnRow = FunctionRef<bool(const Row&)>;  // false: no more rows are wanted
  virtual ~Tx() = default;

  // Runs a statement and answers how many rows it changed.
  template <class... Args>
  std::int64_t run(Sql sql, const Args&... args) {
    const Param params[] = {Param{}, to_param(args)...};
    return execute(sql, std::span(params).subspan(1), nullptr);
  }

  // Calls `on_row` for each row of the answer, in order; it may run other statements meanwhile.
  // If it answers bool, false ends the reading.
  template <class F, class... Args>
  void each(Sql sql, F&& on_row, const Args&... args) {
    const Param params[] = {Param{}, to_param(args)...};
    auto visit = [&](const Row& row) -> bool {
      if constexpr (std::is_same_v<std::invoke_result_t<F&, const Row&>, bool>) {
        return on_row(row);
      } else {
        on_row(row);
        return true;
      }
    };
    const OnRow callback = visit;
    execute(sql, std::span(params).subspan(1), &callback);
  }

  // The first row as a value (one T) or a tuple (several), or nothing.
  //   auto uid = tx.first<std::uint32_t>("select uidnext from mailbox where …", account, mailbox);
  template <class... T, class... Args>
  auto first(Sql sql, const Args&... args) {
    using Value = std::conditional_t<sizeof...(T) == 1, std::tuple_element_t<0, std::tuple<T...>>,
                                     std::tuple<T...>>;
    static_assert(!(std::is_same_v<T, std::string_view> || ...), "the row is gone on return");
    std::optional<Value> found;
    auto take = [&](const Row& row) {
      [&]<std::size_t... I>(std::index_sequence<I...>) {
        found.emplace(row.get<T>(static_cast<int>(I))...);
      }(std::index_sequence_for<T...>());
      return false;
    };
    each(sql, take, args...);
    return found;
  }

 protected:
  virtual std::int64_t execute(Sql sql, std::span<const Param> params, const OnRow* on_row) = 0;
};

}  // namespace todoke::sql
