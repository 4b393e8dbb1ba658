#pragma once

#include "app/admin/command.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace todoke::app {

// What was typed, taken apart and not yet looked at.
struct Invocation {
  const Command* command = nullptr;
  std::vector<std::pair<const Parameter*, std::string>> given;  // flags have an empty text
  std::string config;                                           // empty: the usual places
  bool json = false;
  bool password_stdin = false;
};

// Either something to do, or something to say and an exit code: help (0) or a mistake (2).
struct Parsed {
  std::optional<Invocation> invocation;
  int exit_code = 0;
  std::string out;
  std::string err;
};
Parsed parse_command_line(int argc, const char* const* argv);

// Commands that need no running installation: serve, init, restore, version.  Their `run` is null.
std::span<const Command> host_commands();

}  // namespace todoke::app
