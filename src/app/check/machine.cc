#include "app/check/machine.h"

#include "net/certificate.h"
#include "net/tls.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace todoke::app {
namespace {

using Weight = Finding::Weight;

void check_certificate(const Config& config, Time now, std::vector<Finding>& findings) {
  auto tell = [&](Weight weight, std::string what, std::string advice) {
    findings.push_back({weight, "certificate", std::move(what), std::move(advice)});
  };
  if (config.tls_certificate.empty())
    return tell(Weight::warning, "mail programs will warn: the certificate is a self-signed one",
                "name a real one in the section [tls] of the configuration");
  auto facts = net::read_certificate(config.tls_certificate);
  if (!facts)
    return tell(Weight::error, facts.error().text, "check tls.certificate in the configuration");
  if (auto pair = net::TlsContext::load({{config.tls_certificate, config.tls_key}}); !pair)
    tell(Weight::error, pair.error().text, "check tls.key in the configuration");
  auto days = std::chrono::floor<std::chrono::days>(facts->not_after - now).count();
  if (facts->not_before > now)
    tell(Weight::error, "the certificate is not valid yet", "check the machine's clock");
  if (days < 0)
    tell(Weight::error, fmt::format("the certificate ended {} days ago", -days), "renew it");
  else if (days < 14)
    tell(Weight::warning, fmt::format("the certificate ends in {} days", days), "renew it");
  if (!net::covers(facts->names, config.host))
    tell(Weight::error, "the certificate is not for " + config.host,
         "get one for this name, or set host in the configuration");
}

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

bool to_address(const ListenerConfig& listener, Address& at, socklen_t& size) {
  std::memset(&at, 0, sizeof at);
  if (inet_pton(AF_INET, listener.address.c_str(), &at.v4.sin_addr) == 1) {
    at.v4.sin_family = AF_INET;
    at.v4.sin_port = htons(listener.port);
    size = sizeof at.v4;
    return true;
  }
  at.v6.sin6_family = AF_INET6;
  at.v6.sin6_port = htons(listener.port);
  size = sizeof at.v6;
  return inet_pton(AF_INET6, listener.address.c_str(), &at.v6.sin6_addr) == 1;
}

// 0 or the error of binding (server stopped) or calling (server running).
int try_port(const ListenerConfig& listener, Server server, const Address& at, socklen_t size) {
  int descriptor = ::socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return errno;
  int on = 1, off = 0;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (at.any.sa_family == AF_INET6)
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  int result = server == Server::running || listener.port == 0
                   ? (listener.port == 0 ? 0 : ::connect(descriptor, &at.any, size))
                   : ::bind(descriptor, &at.any, size);
  int error = result == 0 ? 0 : errno;
  ::close(descriptor);
  return error;
}

void check_ports(const Config& config, Server server, std::vector<Finding>& findings) {
  auto tell = [&](std::string what, std::string advice) {
    findings.push_back({Weight::error, "ports", std::move(what), std::move(advice)});
  };
  if (config.listeners.empty())
    tell("there is no listener, so nobody can reach this server", "add [[listener]] sections");
  for (const auto& listener : config.listeners) {
    if (listener.address.starts_with('/')) continue;
    auto where = fmt::format("{} port {} ({})", listener.address, listener.port, listener.protocol);
    Address at;
    socklen_t size = 0;
    if (!to_address(listener, at, size)) {
      tell(listener.address + " is no IP address", "correct the listener in the configuration");
      continue;
    }
    int error = try_port(listener, server, at, size);
    if (error == 0) continue;
    if (server == Server::running)
      tell(fmt::format("the server does not answer on {}: {}", where, std::strerror(error)),
           "restart it after a change of the configuration");
    else if (error == EADDRINUSE)
      tell(where + " is used by another program",
           "stop it (postfix, exim, dovecot?), or choose another port");
    else if (error == EACCES)
      tell(where + " needs the right to use low ports",
           "start as root with user set, or give CAP_NET_BIND_SERVICE");
    else
      tell(fmt::format("cannot use {}: {}", where, std::strerror(error)),
           "correct the listener in the configuration");
  }
}

void check_folder(const Config& config, std::vector<Finding>& findings) {
  auto tell = [&](Weight weight, std::string what, std::string advice) {
    findings.push_back({weight, "disk", std::move(what), std::move(advice)});
  };
  struct stat status{};
  if (::stat(config.data.c_str(), &status) != 0)
    return tell(Weight::error, fmt::format("cannot see {}: {}", config.data, std::strerror(errno)),
                "run todoke init, or set data in the configuration");
  if (!S_ISDIR(status.st_mode))
    return tell(Weight::error, config.data + " is no folder", "set data in the configuration");
  if ((status.st_mode & 077) != 0)
    tell(Weight::warning, config.data + " can be read by other users of this machine",
         "chmod 700 " + config.data);
  if (!config.user.empty()) {
    const auto* user = ::getpwnam(config.user.c_str());
    if (user == nullptr)
      tell(Weight::error, "there is no user " + config.user, "create it, or change user");
    else if (user->pw_uid != status.st_uid)
      tell(Weight::error, fmt::format("{} does not belong to {}", config.data, config.user),
           fmt::format("chown -R {} {}", config.user, config.data));
  }
  if (::access(config.data.c_str(), R_OK | W_OK | X_OK) != 0)
    tell(Weight::error, config.data + " cannot be written by us", "run as its owner");
  struct statvfs disk{};
  if (::statvfs(config.data.c_str(), &disk) != 0) return;
  auto free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
  auto share = disk.f_blocks > 0
                   ? 100.0 * static_cast<double>(disk.f_bavail) / static_cast<double>(disk.f_blocks)
                   : 100.0;
  if (free < 1e9 || share < 5)
    tell(free < 2e8 ? Weight::error : Weight::warning,
         fmt::format("{:.1f} GB ({:.0f} %) is free on the disk of {}", free / 1e9, share,
                     config.data),
         "mail is refused for now when it is full; make room");
}

}  // namespace

std::vector<Finding> check_machine(const Config& config, Server server, Time now) {
  std::vector<Finding> findings;
  check_certificate(config, now, findings);
  check_ports(config, server, findings);
  check_folder(config, findings);
  return findings;
}

}  // namespace todoke::app
