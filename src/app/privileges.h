#pragma once

#include "base/result.h"

#include <functional>
#include <string>

namespace todoke::app {

// Started as root, becomes the user of that name for good, before any file of ours is touched, and
// keeps one right: to bind ports below 1024.  Makes `data` and hands it over when it is not there
// yet.  Not root, or an empty name: changes nothing.  Before any thread is started.
Result<> become_user(const std::string& name, const std::string& data);

// Gives that right up, once everything is bound: for this thread and those it starts from now on.
Result<> give_up_binding();

// Runs `work` on a thread that has given it up already, so that no thread that `work` starts has
// it.
Result<> without_binding(const std::function<Result<>()>& work);

}  // namespace todoke::app
