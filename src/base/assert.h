#pragma once

namespace todoke {

// Reports a broken invariant on standard error and aborts.  Never returns.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace todoke

// For bugs only, never for what a peer can cause.  Always on.
#define TODOKE_ASSERT(expression) \
  ((expression) ? (void)0 : ::todoke::assertion_failed(#expression, __FILE__, __LINE__))
