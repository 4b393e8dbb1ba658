#pragma once

#include "app/listeners.h"
#include "base/result.h"

#include <string>
#include <vector>

namespace todoke::app {

// Writes `{"smtp": {"host", "port"}, …, "accounts": […], "pid": n}` so that it is there whole or
// not at all.  `accounts_file`: a JSON list to put in as it is; empty: none.
Result<> write_ready_file(const std::string& path, const std::vector<Reachable>& reachable,
                          const std::string& accounts_file);

}  // namespace todoke::app
