#include "app/ownership.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <pwd.h>
#include <unistd.h>

namespace todoke::app {
namespace {

struct Ids {
  uid_t user;
  gid_t group;
};

Result<Ids> ids_of(const std::string& name) {
  const auto* user = ::getpwnam(name.c_str());
  if (user == nullptr)
    return fail(Errc::invalid, fmt::format("there is no user {}: create it first, such as with "
                                           "adduser --system --group {}",
                                           name, name));
  return Ids{user->pw_uid, user->pw_gid};
}

}  // namespace

Result<> give_to(const std::string& path, const std::string& name) {
  if (name.empty() || ::geteuid() != 0) return {};
  TRY(auto ids, ids_of(name));
  if (::lchown(path.c_str(), ids.user, ids.group) != 0)
    return fail(Errc::unavailable,
                fmt::format("cannot give {} to {}: {}", path, name, std::strerror(errno)));
  return {};
}

Result<> give_all_to(const std::string& folder, const std::string& name) {
  if (name.empty() || ::geteuid() != 0) return {};
  TRY_OK(give_to(folder, name));
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error))
    TRY_OK(give_to(entry->path().string(), name));
  if (error) return fail(Errc::unavailable, "cannot list " + folder + ": " + error.message());
  return {};
}

}  // namespace todoke::app
