#pragma once

#include "app/config.h"
#include "base/result.h"

#include <string>

namespace todoke::app {

struct ServeOptions {
  std::string ready_file;     // written when everything listens: addresses and process id, as JSON
  std::string accounts_file;  // JSON list that goes into the ready file as "accounts"
};

// Runs the server in the foreground until SIGTERM or SIGINT; SIGHUP reads the certificate again and
// opens the log file anew.  A stop lets what is in flight finish, for at most 10 seconds.
Result<> serve(const Config& config, const ServeOptions& options);

}  // namespace todoke::app
