#pragma once

namespace todoke::app {

// The whole program: 0 done, 1 refused or failed (with words on standard error), 2 not understood.
int run_command_line(int argc, const char* const* argv);

}  // namespace todoke::app
