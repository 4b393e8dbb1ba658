#pragma once

#include <expected>
#include <string>
#include <utility>

namespace todoke {

// The kind of an expected failure.  Protocol layers choose their reply codes from it.
enum class Errc {
  invalid,      // the request or the bytes are malformed
  not_found,    // no such thing, or not for this principal: the two are not told apart
  conflict,     // it exists already, or changed meanwhile
  over_limit,   // a budget, quota or rate is used up
  too_many,     // more than one thing may have or one request may ask for; room would not help
  denied,       // known, and not allowed
  unavailable,  // cannot be answered now; trying again later makes sense
  corrupt,      // stored data failed its checksum or makes no sense
};

// What went wrong: a kind for the code, and words for an administrator.  Never thrown.
struct Error {
  Errc code;
  std::string text;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string text) {
  return std::unexpected(Error{code, std::move(text)});
}

}  // namespace todoke

// Declares a name from a Result, or returns its error to the caller.
//   TRY(auto path, parse_path(text));
// CO_TRY does the same in a coroutine; TRY_OK and CO_TRY_OK take a Result<void>.
#define TODOKE_CAT2(a, b) a##b
#define TODOKE_CAT(a, b) TODOKE_CAT2(a, b)
#define TODOKE_TRY(ret, tmp, decl, expr)                 \
  auto tmp = (expr);                                     \
  if (!tmp) ret std::unexpected(std::move(tmp).error()); \
  decl = *std::move(tmp)
#define TRY(decl, expr) TODOKE_TRY(return, TODOKE_CAT(try_, __LINE__), decl, expr)
#define CO_TRY(decl, expr) TODOKE_TRY(co_return, TODOKE_CAT(try_, __LINE__), decl, expr)
#define TODOKE_TRY_OK(ret, tmp, expr) \
  if (auto tmp = (expr); !tmp) ret std::unexpected(std::move(tmp).error())
#define TRY_OK(expr) TODOKE_TRY_OK(return, TODOKE_CAT(try_, __LINE__), expr)
#define CO_TRY_OK(expr) TODOKE_TRY_OK(co_return, TODOKE_CAT(try_, __LINE__), expr)
