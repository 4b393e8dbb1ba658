#include "app/admin/socket_server.h"

#include "app/admin/arguments.h"
#include "app/admin/command.h"
#include "base/log.h"

#include <cstring>
#include <sys/stat.h>

namespace todoke::app {
namespace {

constexpr std::size_t max_request = 1 << 20;
constexpr std::chrono::seconds request_time{60};
constexpr std::chrono::seconds command_time{24 * 3600};

class SocketProgress final : public Progress {
 public:
  explicit SocketProgress(net::Stream& io) : io_(io) {}
  [[nodiscard]] Task<> show() override {
    auto now = state();
    json::object line;
    line["progress"] = json::object{{"done", now.done}, {"total", now.total}, {"what", now.what}};
    io_.write(json::serialize(line) + "\n");
    co_await io_.flush();
  }

 private:
  net::Stream& io_;
};

std::string error_line(const Error& error) {
  json::object line;
  line["error"] = json::object{{"code", errc_name(error.code)}, {"text", error.text}};
  return json::serialize(line) + "\n";
}

struct Request {
  std::string command;
  json::object args;
  std::string actor;
};

Result<Request> parse_request(std::string_view line) {
  boost::system::error_code error;
  auto value = json::parse(line, error);
  if (error || !value.is_object())
    return fail(Errc::invalid, "a request is one JSON object on one line");
  auto& object = value.get_object();
  Request request{.command = text(object, "command"), .actor = text(object, "actor")};
  if (auto* args = object.if_contains("args")) {
    if (!args->is_object()) return fail(Errc::invalid, "\"args\" must be an object");
    request.args = std::move(args->get_object());
  }
  if (request.actor.empty()) request.actor = "admin socket";
  return request;
}

Task<std::string> answer(net::Stream& io, Installation& in, std::string line) {  // NOLINT
  auto request = parse_request(line);
  if (!request) co_return error_line(request.error());
  SocketProgress progress(io);
  directory::Actor actor{.name = request->actor, .source = "local"};
  auto result = co_await run_command(in, request->command, std::move(actor),
                                     std::move(request->args), progress);
  log::info("admin.command",
            {{"command", request->command}, {"actor", request->actor}, {"ok", result.has_value()}});
  if (!result) co_return error_line(result.error());
  json::object reply;
  reply["result"] = *std::move(result);
  co_return json::serialize(reply) + "\n";
}

}  // namespace

Task<> serve_admin(net::Stream& io, Installation& in) {
  for (;;) {
    io.set_interruptible(true);
    io.set_deadline(request_time);
    auto line = co_await io.read_line(max_request);
    io.set_interruptible(false);
    io.set_deadline(command_time);
    if (line.over_long) {
      io.write(error_line({Errc::over_limit, "the request is too long"}));
      continue;
    }
    auto reply = co_await answer(io, in, std::move(line.text));
    io.write(reply);
    co_await io.flush();
  }
}

Result<std::unique_ptr<net::Listener>> open_admin_socket(net::Runtime& runtime, Installation& in) {
  net::ListenerOptions options{
      .name = "admin", .address = in.config().admin_socket(), .max_connections = 32};
  auto session = [&in](net::Stream& io) { return serve_admin(io, in); };
  // Nobody else may open it, not even between its making and a chmod.
  auto before = ::umask(0177);
  auto listener = net::Listener::open(runtime, std::move(options), session);
  ::umask(before);
  if (listener && ::chmod(in.config().admin_socket().c_str(), 0600) != 0)
    return fail(Errc::unavailable, "cannot protect " + in.config().admin_socket());
  return listener;
}

}  // namespace todoke::app
