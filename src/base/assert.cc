#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace todoke {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "todoke: broken invariant: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace todoke
