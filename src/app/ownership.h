#pragma once

#include "base/result.h"

#include <string>

// Files that root makes for the user that the server becomes.  An empty name, or not being root,
// makes both do nothing.
namespace todoke::app {

// Makes the user the owner of a file or folder, or of a folder with all that is in it.
Result<> give_to(const std::string& path, const std::string& name);
Result<> give_all_to(const std::string& folder, const std::string& name);

}  // namespace todoke::app
