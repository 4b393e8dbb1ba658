#pragma once

#include "directory/directory.h"

#include <string>
#include <string_view>

// The database's side of routing.
namespace todoke::directory {

// What answers are remembered by: the folded address.
std::string route_key(std::string_view local, std::string_view domain);

// Where the folded address leads, as Directory::route tells.
Route find_route(sql::Tx& tx, const std::string& local, const std::string& domain);

}  // namespace todoke::directory
