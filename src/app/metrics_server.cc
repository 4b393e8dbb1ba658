#include "app/metrics_server.h"

#include "base/ascii.h"
#include "base/metrics.h"

#include <fmt/format.h>

namespace todoke::app {
namespace {

constexpr std::size_t max_head = 8 * 1024;
constexpr std::chrono::seconds request_time{10};

struct Reply {
  std::string_view status;
  std::string_view type;
  std::string body;
};

constexpr std::string_view plain = "text/plain; charset=utf-8";

// RFC 9112 §3: method, target, version.
Reply reply_to(std::string_view request_line) {
  auto method = request_line.substr(0, request_line.find(' '));
  auto rest = request_line.substr(std::min(request_line.size(), method.size() + 1));
  auto target = rest.substr(0, rest.find(' '));
  auto version = rest.substr(std::min(rest.size(), target.size() + 1));
  target = target.substr(0, target.find('?'));
  if (!version.starts_with("HTTP/1.")) return {"400 Bad Request", plain, "this is not HTTP/1.1\n"};
  if (method != "GET" && method != "HEAD") return {"405 Method Not Allowed", plain, "only GET\n"};
  Reply reply{"404 Not Found", plain, "there are /metrics and /health\n"};
  if (target == "/metrics")
    reply = {"200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics::render()};
  if (target == "/health") reply = {"200 OK", plain, "ok\n"};
  return reply;
}

}  // namespace

Task<> serve_metrics(net::Stream& io) {
  io.set_interruptible(true);
  io.set_deadline(request_time);
  auto line = co_await io.read_line(max_head);
  auto left = max_head - std::min(max_head, line.text.size());
  auto reply = line.over_long ? Reply{"414 URI Too Long", plain, ""} : reply_to(line.text);
  bool head = line.text.starts_with("HEAD ");
  for (;;) {
    auto field = co_await io.read_line(max_head);
    if (field.text.empty() && !field.over_long) break;
    if (field.over_long || field.text.size() > left) {
      reply = {"431 Request Header Fields Too Large", plain, ""};
      break;
    }
    left -= field.text.size();
  }
  io.write(
      fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}"
                  "Connection: close\r\n\r\n",
                  reply.status, reply.type, reply.body.size(),
                  reply.status.starts_with("405") ? "Allow: GET, HEAD\r\n" : ""));
  if (!head) io.write(reply.body);
  co_await io.flush();
}

Result<std::unique_ptr<net::Listener>> open_metrics(net::Runtime& runtime,
                                                    const std::string& address) {
  auto colon = address.rfind(':');
  auto port = colon != address.npos ? ascii::to_number(address.substr(colon + 1)) : std::nullopt;
  if (!port || *port > 65535)
    return fail(Errc::invalid, "metrics must be like \"127.0.0.1:9100\", not " + address);
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!host.starts_with("127.") && host != "::1")
    return fail(Errc::invalid, "metrics are for this machine only: 127.0.0.1 or [::1]");
  net::ListenerOptions options{.name = "metrics",
                               .address = host,
                               .port = static_cast<std::uint16_t>(*port),
                               .max_connections = 32};
  return net::Listener::open(runtime, std::move(options),
                             [](net::Stream& io) { return serve_metrics(io); });
}

}  // namespace todoke::app
