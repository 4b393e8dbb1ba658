#pragma once

#include "app/cli/options.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace boost::json {
class object;
}

namespace todoke::app {

// What was typed as the JSON that commands take.  Errc::invalid: not a number, not a size …
Result<boost::json::object> read_values(const Invocation& invocation);

// "500MB", "1.5 GB", "10GiB", "4096": bytes.  A kB is 1000, a KiB 1024.
std::optional<std::int64_t> parse_size(std::string_view text);

}  // namespace todoke::app
