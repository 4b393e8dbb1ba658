#pragma once

#include "app/check/finding.h"
#include "app/config.h"
#include "base/clock.h"

#include <vector>

namespace todoke::app {

// Whether a server of ours runs on this configuration now.
enum class Server { running, stopped };

// What can be told without the database: certificate, ports, data folder, disk space.
std::vector<Finding> check_machine(const Config& config, Server server, Time now);

}  // namespace todoke::app
