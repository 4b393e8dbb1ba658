#include "app/privileges.h"

#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace todoke::app {
namespace {

std::unexpected<Error> failed(const std::string& what) {
  return fail(Errc::denied, what + ": " + std::generic_category().message(errno));
}

// Sets the permitted and effective capabilities of this thread, and so of those it will start.
bool set_capabilities(std::uint32_t bits) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  data[0].effective = data[0].permitted = bits;
  return syscall(SYS_capset, &header, data) == 0;
}

}  // namespace

Result<> become_user(const std::string& name, const std::string& data) {
  if (name.empty() || geteuid() != 0) return {};
  const auto* user = getpwnam(name.c_str());
  if (user == nullptr) return fail(Errc::not_found, fmt::format("there is no user {}", name));
  if (::mkdir(data.c_str(), 0750) == 0 && ::chown(data.c_str(), user->pw_uid, user->pw_gid) != 0)
    return failed("cannot hand over " + data);
  prctl(PR_SET_KEEPCAPS, 1);
  if (initgroups(name.c_str(), user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
      setuid(user->pw_uid) != 0)
    return failed("cannot become " + name);
  if (!set_capabilities(1u << CAP_NET_BIND_SERVICE)) return failed("cannot keep the right to bind");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return {};
}

Result<> give_up_binding() {
  if (geteuid() == 0) return {};  // stayed root on purpose: no user was configured
  if (!set_capabilities(0)) return failed("cannot give up the right to bind");
  return {};
}

Result<> without_binding(const std::function<Result<>()>& work) {
  Result<> done;
  std::exception_ptr thrown;
  std::thread thread([&] {
    try {
      done = give_up_binding();
      if (done) done = work();
    } catch (...) {
      thrown = std::current_exception();
    }
  });
  thread.join();
  if (thrown) std::rethrow_exception(thrown);
  return done;
}

}  // namespace todoke::app
