#pragma once

#include "app/config.h"
#include "base/result.h"

#include <string>

// What works on this machine itself, not on an opened installation.
namespace todoke::app {

// The file that --config, $TODOKE_CONFIG or the usual places name; not_found if there is none.
Result<std::string> find_config(const std::string& given);

struct InitOptions {
  std::string config;  // file to write
  std::string data;
  std::string host;
  std::string user;
};
// Where `todoke init` writes when it is not told.
InitOptions default_init(bool root);
// Makes the data folder and the configuration file; never overwrites.  Answers what to do next.
Result<std::string> initialise(const InitOptions& options);

}  // namespace todoke::app
