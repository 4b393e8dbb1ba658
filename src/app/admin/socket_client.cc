#include "app/admin/socket_client.h"

#include "app/admin/arguments.h"
#include "app/admin/command.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace todoke::app {

Result<std::unique_ptr<SocketClient>> SocketClient::connect(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return fail(Errc::invalid, "path too long: " + path);
  std::memcpy(at.sun_path, path.data(), path.size());
  int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(Errc::unavailable, std::strerror(errno));
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0)
    return std::unique_ptr<SocketClient>(new SocketClient(descriptor));
  int error = errno;
  ::close(descriptor);
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR)
    return std::unique_ptr<SocketClient>();
  if (error == EACCES)
    return fail(Errc::denied, path + " belongs to another user: try as root, or as that user");
  return fail(Errc::unavailable, path + ": " + std::strerror(error));
}

SocketClient::~SocketClient() {
  ::close(descriptor_);
}

Result<json::value> SocketClient::call(const std::string& command, const json::object& args,
                                       const std::string& actor, Progress& progress) {
  json::object request{{"command", command}, {"args", args}, {"actor", actor}};
  auto line = json::serialize(request) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    auto sent = ::send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail(Errc::unavailable, "the server went away");
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  for (;;) {
    TRY(auto reply, read_line());
    boost::system::error_code error;
    auto value = json::parse(reply, error);
    if (error || !value.is_object())
      return fail(Errc::corrupt, "the server's answer makes no sense");
    auto& object = value.get_object();
    if (auto* result = object.if_contains("result")) return std::move(*result);
    if (const auto* failure = object.if_contains("error");
        failure != nullptr && failure->is_object())
      return fail(errc_from_name(text(failure->get_object(), "code")),
                  text(failure->get_object(), "text"));
    if (const auto* state = object.if_contains("progress");
        state != nullptr && state->is_object()) {
      const auto& now = state->get_object();
      progress.report(static_cast<std::uint64_t>(number_if(now, "done").value_or(0)),
                      static_cast<std::uint64_t>(number_if(now, "total").value_or(0)),
                      text(now, "what"));
      block_on(progress.show());
    }
  }
}

Result<std::string> SocketClient::read_line() {
  for (;;) {
    if (auto end = input_.find('\n'); end != input_.npos) {
      auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      return line;
    }
    char buffer[16 * 1024];
    auto count = ::recv(descriptor_, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0)
      return fail(Errc::unavailable, "the server ended the connection: it stops, or see its log");
    input_.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace todoke::app
