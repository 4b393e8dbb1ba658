#include "http/client.h"

#include "base/ascii.h"
#include "dns/name.h"
#include "net/stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace todoke::http {
namespace {

constexpr std::size_t max_addresses = 4;
constexpr std::size_t max_path = 2000;

// Nothing that ends the line, or the field.
bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

Result<> check(const Request& request) {
  auto host = dns::normal_name(request.host);
  if (!host || !dns::is_host_name(*host))
    return fail(Errc::invalid, fmt::format("{} is no name of a host", request.host));
  if (!request.path.starts_with('/') || request.path.size() > max_path ||
      !is_printable(request.path))
    return fail(Errc::invalid, "a path that cannot be asked for");
  if (std::ranges::any_of(request.accept, ascii::is_control))
    return fail(Errc::invalid, "an Accept field that cannot be sent");
  return {};
}

// RFC 9112 §3, RFC 9110 §12.5.3.
std::string head_of(const Request& request) {
  auto port = request.port == 443 ? "" : fmt::format(":{}", request.port);
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}{}\r\nUser-Agent: Todoke\r\nAccept: {}\r\n"
      "Accept-Encoding: identity\r\nConnection: close\r\n\r\n",
      request.path, request.host, port, request.accept);
}

}  // namespace

std::chrono::seconds Client::left(Steady latest) const {
  auto time = std::chrono::floor<std::chrono::seconds>(latest - clock_.steady());
  return std::max(time, std::chrono::seconds(1));
}

Task<Result<Response>> Client::get(Request request) {
  CO_TRY_OK(check(request));
  auto found =
      co_await dns::find_addresses(resolver_, request.host, options_.families, options_.loopback);
  if (!found) co_return std::unexpected(std::move(found).error());
  auto& addresses = found->addresses;
  if (addresses.size() > max_addresses) addresses.resize(max_addresses);
  const auto latest = clock_.steady() + options_.timeout;
  Result<Response> answer = fail(Errc::unavailable, "no address");
  for (const auto& address : addresses) {
    auto next = co_await get_at(address, request, latest);
    answer = std::move(next);
    if (answer || answer.error().code != Errc::unavailable || clock_.steady() >= latest) break;
  }
  co_return answer;
}

Task<Result<Response>> Client::get_at(std::string address, Request request, Steady latest) {
  auto unavailable = [&](std::string_view why) {
    return fail(Errc::unavailable, fmt::format("{} ({}): {}", request.host, address, why));
  };
  net::Destination to{.address = address,
                      .port = request.port,
                      .timeout = std::min(options_.connect_timeout, left(latest))};
  auto stream = co_await dialer_.dial(std::move(to));
  if (!stream) co_return unavailable(stream.error().text);
  auto& io = **stream;
  io.set_deadline(left(latest));
  ResponseReader reader(options_.max_body);
  try {
    auto tls = tls_;
    net::TlsExpectation expectation{.server_name = request.host,
                                    .verify = net::TlsExpectation::Verify::web_pki};
    co_await io.start_tls_client(std::move(tls), std::move(expectation));
    io.write(head_of(request));
    while (!reader.is_done()) {
      co_await io.fill();
      auto taken = reader.take(io.buffered());
      if (!taken) co_return std::unexpected(std::move(taken).error());
      io.consume(*taken);
    }
  } catch (const net::Closed& closed) {
    co_return unavailable(closed.what());
  }
  co_return reader.response();
}

}  // namespace todoke::http
