#pragma once

#include "app/admin/progress.h"
#include "app/check/finding.h"
#include "app/installation.h"
#include "base/result.h"

#include <vector>

// Whether outbound mail is as it should be.  All of this blocks: it runs on a thread of its own.
namespace todoke::app {

// The queue's rows against each other: counters, bodies; and what an operator should know of: mail
// in doubt, mail that has waited for long, holds that were forgotten, domains without keys.
std::vector<Finding> check_outbound(Installation& in);

// Of every recipient whether its state follows from its events.
Result<> check_states(Installation& in, Progress& progress, std::vector<Finding>& findings);

// The data about providers inside this program.
std::vector<Finding> check_providers();

}  // namespace todoke::app
