#pragma once

#include <string_view>

namespace todoke::app {

extern const std::string_view version;   // "0.1.0"
extern const std::string_view revision;  // git's description of the source; empty outside a clone

}  // namespace todoke::app
