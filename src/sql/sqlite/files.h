#pragma once

#include "base/result.h"

#include <string>

namespace todoke::sqlite {

// Makes the name of a file durable that was created or renamed.
Result<> sync_folder_of(const std::string& path);
// Makes the content of a file durable.
Result<> sync_file(const std::string& path);

}  // namespace todoke::sqlite
