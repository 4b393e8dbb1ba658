#pragma once

#include "app/admin/progress.h"
#include "app/installation.h"
#include "base/result.h"
#include "base/task.h"
#include "directory/model.h"

#include <span>
#include <string_view>

namespace boost::json {
class value;
class object;
}  // namespace boost::json

// What an administrator can ask for, as one table.  The command line, the admin socket and later
// the HTTP API are three ways to the same functions.
namespace todoke::app {

// What a parameter takes.  In JSON a number is a number, a flag a bool, all else a text; the
// command line turns what was typed into that.
enum class Kind {
  text,
  number,
  flag,    // present or not
  yes_no,  // "yes" or "no", becomes a bool
  size,    // "10 GB", "500M", "none": becomes a number of bytes, or null for "none"
  limit,   // a number, or "none": becomes null
  path,    // of a file or folder: made absolute
  secret,  // a password: asked for on the terminal when it is needed and not given
};

enum class Place {
  required,    // by position, must be there
  positional,  // by position, may be missing
  option,      // --name
};

struct Parameter {
  std::string_view name;  // as JSON has it: "catch_all"; the command line says --catch-all
  Kind kind = Kind::text;
  Place place = Place::required;
  std::string_view help;
  std::string_view choices = {};  // "ja en": nothing else is taken
};

// `Run` gets what the parameters say and nothing else; read_arguments() has checked it.
using Run = Task<Result<boost::json::value>> (*)(Installation&, directory::Actor,
                                                 boost::json::object, Progress&);

struct Command {
  std::string_view name;     // "account add"
  std::string_view summary;  // one line
  std::string_view details;  // what one must know to use it, with an example
  std::span<const Parameter> parameters;
  Run run;
};

// All of them, in the order of the help.
std::span<const Command* const> commands();
// Null if there is none of that name.
const Command* find_command(std::string_view name);

// Checks arguments that came as JSON: unknown names, missing ones, wrong types.
Result<> check_arguments(const Command& command, const boost::json::object& args);

// Looks the command up, checks its arguments and runs it.  sql::Unavailable and blob::Unavailable
// become Errc::unavailable.
[[nodiscard]] Task<Result<boost::json::value>> run_command(Installation& in,  // NOLINT: outlives
                                                           std::string name, directory::Actor actor,
                                                           boost::json::object args,
                                                           Progress& progress);  // NOLINT

std::string_view errc_name(Errc code);
Errc errc_from_name(std::string_view name);

}  // namespace todoke::app
