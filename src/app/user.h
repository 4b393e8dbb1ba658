#pragma once

#include "base/result.h"

#include <string>

// The user that the server runs as, when it is started as root.  An empty name, or not being root,
// makes all of these do nothing.
namespace todoke::app {

// Becomes that user for good, with its groups.
Result<> become_user(const std::string& name);

// Makes the user the owner of a file or folder, or of a folder with all that is in it.
Result<> give_to(const std::string& path, const std::string& name);
Result<> give_all_to(const std::string& folder, const std::string& name);

}  // namespace todoke::app
